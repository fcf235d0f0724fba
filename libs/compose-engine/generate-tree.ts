import { link, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan } from '../compose/compose-plan.js';
import { errorMessage } from '../errors/error-message.js';
import type { GeneratedTree } from './compose-engine.js';
import { identifyCompose, type ComposeIdentity } from './compose-identity.js';
import { variant, type TreePlaces } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { logFiles } from './generation-log.js';
import { writeBootImages } from './write-boot-images.js';
import { sourceKinds } from './sources/source-kinds.js';
import { digestOfJob, type TreeWork } from './tree-work.js';
import { writeImages } from './write-images.js';
import { baseComposeInfoDocument, composeInfoDocument, imagesDocument, rpmsDocument } from './metadata-documents.js';
import { planCompose } from './plan-compose.js';
import { everyPackage, once, planBytes } from './plan-documents.js';
import { renderLinks, renderRepoFile } from './repo-file.js';
import { createStopwatch } from './stopwatch.js';
import { asEngineError } from './engine-error.js';
import { isLost, publishTree, takenOver, type StagedTree } from './tree-publication.js';
import { uploadTree } from './upload-tree.js';
import { writeRepositories } from './write-repositories.js';

/** All of a generation: plan, fetch, write, publish. Errors: those of `ComposeEngine.generate`. */
export async function generateTree(context: GenerationContext, work: TreeWork): Promise<GeneratedTree> {
  try {
    const { settleTree } = sourceKinds[work.job.inputs.request.sourceType];
    return await (settleTree ?? generate)(context, work);
  } catch (error) {
    context.signal.throwIfAborted();
    if (await isLost(work.places, work.staged)) throw takenOver(error);
    const failure = asEngineError(error, `compose odcs-${work.job.id}`);
    if (failure.code === 'internal') context.log.error(stackOf(error));
    throw failure;
  }
}

async function generate(context: GenerationContext, { job, places, staged, imageTool, bootTool }: TreeWork): Promise<GeneratedTree> {
  const { log, store } = context;
  const { request } = job.inputs;
  const identity = identifyCompose(job.id, request, job.startedAt);
  const elapsed = createStopwatch();
  log.step(`generating ${identity.pungiComposeId} of source type ${request.sourceType}: ${request.source.join(' ')}`);
  if (request.label !== null && identity.label !== request.label) log.warn(`the label ${request.label} is not written down: ${request.flags.includes('no_label') ? 'no_label is set' : 'productmd knows none like it'}`);
  log.info(`architectures ${request.arches.join(', ')}; packages ${request.packages.length === 0 ? 'all' : request.packages.length}; flags ${request.flags.join(', ') || 'none'}; results ${request.results.join(', ')}; sigkeys ${request.sigkeys.map((key) => key || 'unsigned').join(', ') || 'any'}`);
  const plan = await planCompose(context, job.inputs);
  const { sha256: digest } = await store.add(once(planBytes(plan)));
  log.info(`planned in ${elapsed()}: plan ${digest}`);
  const compose = path.join(staged.directory, 'compose');
  await writeRepositories(context, compose, plan);
  log.info(`repositories written in ${elapsed()}`);
  const images = imageTool === undefined ? [] : await writeImages(context, compose, { plan, identity, tool: imageTool });
  if (bootTool !== undefined) images.push(...(await writeBootImages(context, { compose, plan, identity, places, staged, tool: bootTool })));
  if (images.length > 0) log.info(`${images.length} images written in ${elapsed()}`);
  await writeDocuments(compose, [
    [`${variant}/odcs-${job.id}.repo`, plan.links === undefined ? renderRepoFile(job.id, places.url) : renderLinks(plan.links)],
    ['metadata/composeinfo.json', composeInfoDocument(identity, plan)],
    ['metadata/rpms.json', rpmsDocument(identity, plan)],
    ['metadata/images.json', imagesDocument(identity, images)],
  ]);
  await writeRest(context, { places, staged, identity, plan, digest });
  const generated = summarise(plan, digest, identity);
  context.progress('publish', 0, 1);
  await publishTree(places, staged, { job: digestOfJob(job), generated, before: () => uploadTree(context, { places, staged, plan }) });
  context.progress('publish', 1, 1);
  log.step(`Compose finished: ${generated.packages} packages, ${generated.bytes} bytes; published in ${elapsed()}`);
  return generated;
}

/** What lies beside `compose/`. The plan and what it names are linked, so that the store keeps them as long as the tree. */
async function writeRest(context: GenerationContext, tree: { readonly places: TreePlaces; readonly staged: StagedTree; readonly identity: ComposeIdentity; readonly plan: ComposePlan; readonly digest: string }): Promise<void> {
  const { places, staged, identity, plan, digest } = tree;
  await writeDocuments(staged.directory, [
    ['COMPOSE_ID', identity.pungiComposeId],
    ['STATUS', 'FINISHED\n'],
    ['work/global/composeinfo-base.json', baseComposeInfoDocument(identity)],
  ]);
  const inputs = path.join(staged.directory, 'work', 'global', 'inputs');
  await mkdir(inputs, { recursive: true });
  await context.store.link(digest, path.join(staged.directory, 'work', 'global', 'plan.json'));
  for (const document of new Set([...plan.groups, ...plan.modules])) await context.store.link(document, path.join(inputs, document));
  const logs = path.join(staged.directory, 'logs', 'global');
  await mkdir(logs, { recursive: true });
  await link(path.join(places.directory, logFiles.log), path.join(logs, 'pungi.global.log'));
}

async function writeDocuments(directory: string, documents: readonly (readonly [name: string, text: string])[]): Promise<void> {
  for (const [name, text] of documents) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  }
}

function summarise(plan: ComposePlan, digest: string, { pungiComposeId }: ComposeIdentity): GeneratedTree {
  const files = new Map(everyPackage(plan.trees).map(({ sha256, size }) => [sha256, size]));
  return { plan: digest, packages: files.size, bytes: [...files.values()].reduce((sum, size) => sum + size, 0), pungiComposeId };
}

function stackOf(error: unknown): string {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? error.stack : undefined;
  return typeof stack === 'string' ? stack : errorMessage(error);
}
