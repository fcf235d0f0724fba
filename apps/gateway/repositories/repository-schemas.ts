import { z } from 'zod';
import { repositoryKinds, repositoryNamePattern } from '../../../libs/repository/repository.js';
import { nextCursor, numberCursor, pageLimit } from '../http/page-parameters.js';

/** The shapes of `/v1/repositories`, one source for validation, types and the OpenAPI document. */
export const time = z.iso.datetime({ offset: true });
export const repositoryName = z.string().regex(repositoryNamePattern, 'must have up to 128 lower-case letters, digits, ".", "_" and "-", the first a letter or digit');
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex');
/** What names a package: the name of its file. */
export const packageKey = z.string().min(1).max(512);
const count = z.int().min(0);

/** As the record checks them; see docs/reference/repositories.md. */
const settings = z.looseObject({}).describe('Settings of the repository; what is left out has its default.');
const place = z.object({ store: z.string(), folder: z.string() });

const repositoryLinks = z
  .object({
    self: z.string(),
    files: z.string().describe('What package managers are given.'),
    bucket: z.string().nullable().describe('The same in the store itself, where that is public.'),
    packages: z.string(),
    changes: z.string(),
    states: z.string(),
    workflow: z.string().nullable(),
  })
  .meta({ id: 'RepositoryLinks' });

export const repositoryView = z
  .object({ name: z.string(), kind: z.enum(repositoryKinds), place, settings, state: count.describe('What clients see; 0: nothing was published yet.'), packages: count, bytes: count, createdAt: time, createdBy: z.string(), changedAt: time, links: repositoryLinks })
  .meta({ id: 'Repository' });
export const repositoryPage = z.object({ items: z.array(repositoryView), nextCursor }).meta({ id: 'RepositoryPage' });
const upkeepTurn = z.object({ at: time, trouble: z.string().nullable().describe('Null: it worked.') }).nullable();
const upkeep = z.object({ check: upkeepTurn, synchronisation: upkeepTurn }).describe('The last ones by the clock; null: there was none.');
export const repositoryDetail = repositoryView
  .extend({
    status: z.object({ step: z.string(), waiting: count, trouble: z.string().nullable() }).nullable().describe('Of the workflow; null while it does not answer.'),
    upkeep: upkeep.nullable().describe('Of the workflow of its upkeep; null while it does not answer.'),
  })
  .meta({ id: 'RepositoryDetail' });

export const newRepository = z
  .strictObject({
    name: repositoryName,
    kind: z.enum(repositoryKinds),
    store: z.string().min(1).max(128).default('default').describe('Of the settings; `default` is MILLRACE_REPOSITORIES.'),
    folder: z.string().max(512).optional().describe('Below the store; the name where it is absent, empty: the store itself.'),
    settings: settings.default({}),
    repoInfo: z.string().max(64 * 1024).optional().describe('Of haiku: the text of a `repo.info` file, in place of `settings.haiku`.'),
  })
  .meta({ id: 'NewRepository' });
export const settingsChange = z.strictObject({ settings: settings.describe('Those that change, each as a whole.') }).meta({ id: 'RepositorySettingsChange' });

export const origin = z
  .strictObject({
    session: z.string().max(128).optional(),
    compose: z.int().min(1).optional(),
    cache: z.strictObject({ instance: z.string().max(256), key: z.string().max(1024) }).optional(),
    build: z.string().max(500).optional(),
    url: z.string().max(2048).optional(),
  })
  .meta({ id: 'PackageOrigin' });
const foundOrigin = origin.extend({ repository: z.string().optional().describe('That has, or had, the same bytes; besides it what was said there when they were published.'), found: z.literal(true).describe('By its digest.') }).meta({ id: 'FoundOrigin' });

const listedShape = { key: z.string(), sha256, size: count, path: z.string(), name: z.string(), version: z.string(), architecture: z.string(), component: z.string(), addedAt: time };
export const listedPackage = z.object({ ...listedShape, url: z.string() }).meta({ id: 'RepositoryPackage' });
export const packagePage = z.object({ state: count, items: z.array(listedPackage), nextCursor }).meta({ id: 'RepositoryPackagePage' });
export const knownPackage = z
  .object({ ...listedShape, url: z.string(), listed: z.array(z.object({ from: count, until: count.nullable() })).describe('States from which and until which it is listed; null: still.'), origin: origin.extend({ found: z.literal(true).optional().describe('Session, compose and cache were found by its digest when it was published, and not said.') }).meta({ id: 'RecordedOrigin' }), publishedBy: z.string() })
  .meta({ id: 'KnownRepositoryPackage' });

export const stateView = z
  .object({ state: count, at: time, kinds: z.array(z.string()), by: z.array(z.string()), packages: count, bytes: count, added: count, removed: count, index: z.array(z.object({ path: z.string(), sha256, size: count })) })
  .meta({ id: 'RepositoryState' });
export const statePage = z.object({ items: z.array(stateView), nextCursor }).meta({ id: 'RepositoryStatePage' });
export const stateDiff = z.object({ from: count, to: count, added: z.array(listedPackage), removed: z.array(listedPackage) }).meta({ id: 'RepositoryDiff' });
export const keyList = z.object({ items: z.array(z.object({ name: z.string(), kind: z.enum(['openpgp', 'minisign']), fingerprint: z.string(), publicKey: z.string(), expiresAt: time.nullable(), held: z.enum(['service', 'external']) })) }).meta({ id: 'RepositoryKeys' });
export const origins = z.object({ sha256, items: z.array(foundOrigin) }).meta({ id: 'PackageOrigins' });

const stateText = z.string().regex(/^\d{1,9}$/, 'must be the number of a state');
export const repositoryQuery = z.strictObject({ limit: pageLimit, cursor: repositoryName.optional() });
export const packageQuery = z.strictObject({ limit: pageLimit, cursor: packageKey.optional(), state: stateText.optional(), search: z.string().min(1).max(128).optional() });
export const stateQuery = z.strictObject({ limit: pageLimit, cursor: numberCursor.optional() });
export const changeQuery = z.strictObject({ limit: pageLimit, cursor: z.string().max(64).optional() });
export const diffQuery = z.strictObject({ from: stateText, to: stateText });
export const removalQuery = z.strictObject({ force: z.enum(['true', 'false']).default('false') });

export type RepositoryView = z.infer<typeof repositoryView>;
export type RepositoryPage = z.infer<typeof repositoryPage>;
export type RepositoryDetail = z.infer<typeof repositoryDetail>;
export type PackageView = z.infer<typeof listedPackage>;
export type PackagePage = z.infer<typeof packagePage>;
export type KnownPackageView = z.infer<typeof knownPackage>;
export type StateView = z.infer<typeof stateView>;
export type StatePage = z.infer<typeof statePage>;
export type StateDiff = z.infer<typeof stateDiff>;
export type KeyList = z.infer<typeof keyList>;
export type Origins = z.infer<typeof origins>;
