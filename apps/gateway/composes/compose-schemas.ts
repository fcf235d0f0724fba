import { z } from 'zod';
import { composeFlags, composeResults, composeStates, multilibMethods, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';
import { nextCursor, numberCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of `/v1/composes`, one source for validation, types and the OpenAPI document. */
const time = z.iso.datetime({ offset: true });
const id = z.int().min(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const names = <Name extends string>(vocabulary: Readonly<Record<Name, number>>): Name[] => Object.keys(vocabulary) as Name[];
const state = z.enum(names(composeStates)).meta({ id: 'ComposeState' });
const sourceType = z.enum(names(sourceTypes)).meta({ id: 'ComposeSourceType' });
const texts = z.array(z.string());

export const composeRequest = z
  .object({
    sourceType,
    source: texts,
    packages: texts,
    builds: texts,
    sigkeys: texts.describe('In the order of preference; an empty string allows unsigned packages.'),
    kojiEvent: z.int().nullable(),
    modularKojiTags: texts,
    moduleDefaults: z.object({ url: z.string(), commit: z.string() }).nullable(),
    modules: texts,
    scratchModules: texts,
    scratchBuildTasks: texts,
    baseModule: z.object({ name: z.string().nullable(), stream: z.string().nullable(), streamVersionLte: z.int().nullable(), streamVersionGte: z.int().nullable() }),
    flags: z.array(z.enum(names(composeFlags))),
    results: z.array(z.enum(names(composeResults))),
    arches: texts,
    multilibArches: texts,
    multilibMethods: z.array(z.enum(names(multilibMethods))),
    lookasideRepos: texts,
    label: z.string().nullable(),
    composeType: z.string(),
    targetDir: z.string(),
    parentPungiComposeIds: texts,
    respinOf: z.string().nullable(),
    secondsToLive: z.int(),
    pinnedPlan: sha256.nullable().describe('Renewals: the plan whose very packages this compose has again.'),
  })
  .meta({ id: 'ComposeRequest' });

const composeLinks = z
  .object({
    self: z.string(),
    events: z.string(),
    packages: z.string(),
    odcs: z.string().describe('The same compose as clients of ODCS see it.'),
    files: z.string().nullable().describe('Null in a target directory without a public address, and when removed.'),
    workflow: z.string().nullable().describe('The compose in the Temporal UI; null when its address is not known.'),
  })
  .meta({ id: 'ComposeLinks' });

const summary = {
  id,
  state,
  stateReason: z.string().nullable(),
  owner: z.string(),
  submittedAt: time,
  startedAt: time.nullable(),
  doneAt: time.nullable().describe('Only where generation succeeded.'),
  expiresAt: time,
  removedAt: time.nullable(),
  removedBy: z.string().nullable(),
  queuePosition: z.int().min(1).nullable().describe('From 1 among those that wait.'),
  reusedId: id.nullable().describe('The compose whose files this one has.'),
  pungiComposeId: z.string().nullable(),
  kojiEvent: z.int().nullable(),
  plan: sha256.nullable().describe('Of the plan: which packages go where. Equal plans are equal composes.'),
  version: z.int().min(1).describe('Position of its last event.'),
  request: composeRequest,
  links: composeLinks,
};

export const compose = z.object(summary).meta({ id: 'Compose' });
export const composeDetail = z.object({ ...summary, attempts: z.int().min(0).nullable().describe('How often generation was begun; null when the workflow engine does not know.') }).meta({ id: 'ComposeDetail' });

export const composePage = z.object({ items: z.array(compose), nextCursor }).meta({ id: 'ComposePage' });

const composeEvent = z
  .object({ position: z.int().min(1), type: z.string(), data: z.looseObject({}).describe('docs/explanation/composes.md has the events; their times have milliseconds.'), digest: sha256.describe('Of this event and the one before.') })
  .meta({ id: 'ComposeEvent' });
export const composeEventPage = z.object({ items: z.array(composeEvent), nextCursor }).meta({ id: 'ComposeEventPage' });

const plannedPackage = z
  .object({
    sha256,
    size: z.int().min(0),
    name: z.string(),
    epoch: z.int().min(0),
    version: z.string(),
    release: z.string(),
    arch: z.string(),
    sourceRpm: z.string(),
    sigkey: z.string().describe('Key id of the signature that was chosen; empty: unsigned, or nobody asked.'),
    fileTime: z.int().describe('Seconds since 1970.'),
    from: z.string(),
  })
  .meta({ id: 'PlannedPackage' });
const packages = z.array(plannedPackage);
const pungiPlan = z
  .object({
    config: z.object({ name: z.string(), url: z.string(), commit: z.string() }).describe('Of the git repository of configurations.'),
    kojiEvent: z.int().nullable(),
    configDump: z.string().nullable().describe('JSON of the whole configuration; of types production and development.'),
  })
  .meta({ id: 'PungiPlan' });
export const composePlan = z
  .object({ version: z.literal(1), trees: z.array(z.object({ arch: z.string(), packages, debuginfo: packages, sources: packages })), sourceDate: z.int(), results: texts, groups: z.array(sha256), modules: z.array(sha256), pungi: pungiPlan.optional().describe('Of a compose that Pungi has made, which has no trees here.') })
  .meta({ id: 'ComposePlan' });

export const composeQuery = z.strictObject({
  state: state.optional(),
  'source-type': sourceType.optional(),
  owner: z.string().min(1).max(256).refine((owner) => !owner.includes('\0'), 'holds a character that no owner has').optional(),
  limit: pageLimit,
  cursor: numberCursor.optional(),
});
export const composeEventQuery = z.strictObject({ limit: pageLimit, cursor: numberCursor.optional() });

export type ComposeView = z.infer<typeof compose>;
export type ComposeDetailView = z.infer<typeof composeDetail>;
export type ComposePage = z.infer<typeof composePage>;
export type ComposeEventPage = z.infer<typeof composeEventPage>;
export type ComposeLinks = z.infer<typeof composeLinks>;
