import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { requestJson } from '../compose/compose-json.js';
import type { ComposePlan, PinnedInputs, PungiPlan } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import { checkPungiTree } from '../pungi/check-pungi-tree.js';
import type { RawConfigs } from '../pungi/raw-configs.js';
import { linkCompose } from '../pungi/type-links.js';
import type { ContentStore } from '../repository-source/content-store.js';
import type { EngineOptions, GeneratedTree, GenerationJob } from './compose-engine.js';
import type { TreePlaces } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { once, planBytes } from './plan-documents.js';
import { readPlan } from './renew-plan.js';
import type { WrittenTree } from './sources/source-kind.js';
import { publishTree } from './tree-publication.js';
import { digestOfJob, type TreeWork } from './tree-work.js';
import { uploadTree } from './upload-tree.js';

/** Compose types whose configuration is kept whole, so that the very same makes them again; as in ODCS. */
const keptWhole: readonly string[] = ['production', 'development'];

/** Has Pungi write the tree of an attempt. */
export async function writePungiTree({ rawConfigs, store }: { readonly rawConfigs: RawConfigs; readonly store: ContentStore }, { job, places, staged, log }: WrittenTree, { signal }: EngineOptions): Promise<void> {
  const { inputs, id, startedAt } = job;
  const { config, kojiEvent, configDump } = await madeOf(store, inputs);
  const name = `odcs-${id}`;
  log.step(`generating ${name} of source type raw_config: ${inputs.request.source.join(' ')}`);
  await rawConfigs.write(
    {
      name,
      request: inputs.request,
      pinned: config,
      kojiEvent,
      dump: configDump,
      startedAt,
      compose: { id, ...requestJson(inputs), koji_event: kojiEvent },
      places: { tree: staged.directory, scratch: `${staged.directory}-scratch`, logs: places.directory, root: places.root, url: places.url },
      log,
    },
    { signal },
  );
}

/** What is pinned; of a compose that is made again, what the plan of the other says. */
async function madeOf(store: ContentStore, { request, config, kojiEvent }: PinnedInputs): Promise<PungiPlan> {
  if (request.pinnedPlan === null) {
    if (config === undefined) throw new MillraceError('internal', 'the configuration of Pungi has not been pinned');
    return { config, kojiEvent, configDump: null };
  }
  const { pungi } = await readPlan(store, request.pinnedPlan);
  if (pungi === undefined) throw new MillraceError('unresolvable', `the compose cannot be made again: its plan ${request.pinnedPlan} is not one of Pungi`);
  return { ...pungi, kojiEvent: request.kojiEvent ?? pungi.kojiEvent };
}

/** What Pungi has written, checked and made visible. */
export async function settlePungiTree(context: GenerationContext, work: TreeWork): Promise<GeneratedTree> {
  const { log, store, signal } = context;
  const { job, places, staged } = work;
  const { request } = job.inputs;
  const { pungiComposeId, packages, bytes, configDump } = await checkPungiTree(staged.directory, { packages: request.packages, signal });
  const whole = keptWhole.includes(request.composeType);
  if (whole && configDump === null) throw new MillraceError('source-invalid', 'Pungi has left no logs/global/config-dump.global.log, without which the compose could not be made again');
  const { config, kojiEvent } = await madeOf(store, job.inputs);
  const plan: ComposePlan = { version: 1, trees: [], sourceDate: 0, results: [...request.results].sort(), groups: [], modules: [], pungi: { config, kojiEvent, configDump: whole ? configDump : null } };
  const { sha256: digest } = await store.add(once(planBytes(plan)));
  await keepPlan(context, staged.directory, digest);
  log.info(`Pungi has made ${packages} packages of ${bytes} bytes; plan ${digest}`);
  const generated = { plan: digest, packages, bytes, pungiComposeId };
  context.progress('publish', 0, 1);
  await publishTree(places, staged, { job: digestOfJob(job), generated, sync: { linkedToo: true }, before: () => uploadTree(context, { places, staged, plan }) });
  context.progress('publish', 1, 1);
  log.step(`Compose finished: ${packages} packages, ${bytes} bytes`);
  return generated;
}

/** With the tree, as those of others. Nothing that Pungi has left there is written to, or through. */
async function keepPlan({ store }: GenerationContext, tree: string, digest: string): Promise<void> {
  const directory = path.join(tree, 'work', 'global');
  await mkdir(directory, { recursive: true });
  for (const name of ['plan.json', 'generation.json']) await rm(path.join(directory, name), { recursive: true, force: true });
  await store.link(digest, path.join(directory, 'plan.json'));
}

/** The names by which Pungi's composes are found, as ODCS gives them. */
export async function linkPungiTree({ root }: TreePlaces, { id, inputs }: GenerationJob, { pungiComposeId }: GeneratedTree): Promise<void> {
  const { composeType, label } = inputs.request;
  await linkCompose(root, { id, composeType, label, pungiComposeId });
}
