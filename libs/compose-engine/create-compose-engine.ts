import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../errors/error-message.js';
import type { MillraceError } from '../errors/millrace-error.js';
import { checkRequest } from './check-request.js';
import type { ComposeEngine, EngineOptions, GeneratedTree, GenerationJob, GenerationProgress, TreeName } from './compose-engine.js';
import { placesOfTree, stagingName, treeIdOf, type TreePlaces } from './compose-layout.js';
import { openEngineParts } from './engine-parts.js';
import type { EngineSettings } from './engine-settings.js';
import { digestOfJob } from './tree-work.js';
import { openGenerationLog, type GenerationLog } from './generation-log.js';
import type { GenerationTask } from './generation-task.js';
import { findTool } from './iso-image.js';
import { pinSources } from './pin-sources.js';
import { openRawConfigs } from './open-raw-configs.js';
import { runInThread } from './run-in-thread.js';
import { sourceKinds } from './sources/source-kinds.js';
import type { Environment } from '../settings/settings.js';
import { settleLorax, type LoraxTool } from '../pungi/lorax.js';
import { unlinkCompose } from '../pungi/type-links.js';
import { isMissing } from '../errors/system-error.js';
import { asEngineError } from './engine-error.js';
import { sweepStores } from './sweep-stores.js';
import { discardAttempt, isWhole, isLost, keepLogs, readPublished, removeTree, stageTree } from './tree-publication.js';

export interface ComposeEngineOptions {
  readonly settings: EngineSettings;
  /** Secrets of settings files may be there. */
  readonly environment?: Environment;
  /** Where tools are looked for, as in PATH. */
  readonly searchPath: string | undefined;
  /** Heap of one generation in MiB: a distribution's metadata needs one or two GiB. */
  readonly heapMiB?: number;
  /** How a generation is run; in a thread of its own unless told. Specs of the steps run it where they are. */
  readonly run?: (task: GenerationTask, options: EngineOptions) => Promise<GeneratedTree>;
}

const defaultHeap = 4096;
/** Milliseconds that a failed generation waits for a bucket to take back what it got. */
const cleaningTime = 10_000;

/** Composes on this machine's file system. Errors of its methods: see `ComposeEngine`. */
export async function createComposeEngine(options: ComposeEngineOptions): Promise<ComposeEngine> {
  const { settings } = options;
  const entry = new URL('./generation-thread.js', import.meta.url);
  const run = options.run ?? ((task: GenerationTask, how: EngineOptions) => runInThread(task, { ...how, entry, heapMiB: options.heapMiB ?? defaultHeap }));
  const tool = (name: string): string | undefined => findTool(name, options.searchPath);
  const engineParts = await openEngineParts(settings, options);
  const parts = { ...engineParts, rawConfigs: openRawConfigs({ settings, git: engineParts.git, searchPath: options.searchPath, environment: options.environment ?? {}, findTool: tool }) };
  const targets = ['default', ...Object.keys(settings.composeTargetDirs)];

  async function generateAttempt(places: TreePlaces, job: GenerationJob, how: EngineOptions): Promise<GeneratedTree> {
    const staged = await stageTree(places);
    const { writeTree } = sourceKinds[job.inputs.request.sourceType];
    try {
      if (writeTree !== undefined) await withLog(places, how, { step: 'write', done: 0, total: 1 }, (log) => writeTree(parts, { job, places, staged, log }, how));
      const imageTool = job.inputs.request.results.includes('iso') ? tool('xorriso') : undefined;
      return await run({ settings, job, staged, imageTool, bootTool: bootToolOf(job), searchPath: options.searchPath }, how);
    } catch (error) {
      tellEnd(places, how.signal, asEngineError(error, `compose odcs-${job.id}`));
      if (!(await isLost(places, staged))) await removeObjects(job, AbortSignal.timeout(cleaningTime)).catch(() => undefined); // the sweep will
      if (writeTree !== undefined) await keepLogs(places, staged);
      await discardAttempt(places, staged);
      how.signal.throwIfAborted();
      throw error;
    }
  }

  function bootToolOf({ inputs: { request } }: GenerationJob): LoraxTool | undefined {
    if (!request.results.includes('boot.iso') || request.sourceType === 'raw_config') return undefined;
    return settleLorax(settings.pungiFile, { findTool: tool, environment: { ...options.environment, PATH: options.searchPath } });
  }

  async function removeObjects({ id, targetDir }: TreeName, signal?: AbortSignal): Promise<void> {
    if (targetDir === 'default') await parts.bucket?.remove(`odcs-${id}`, signal === undefined ? {} : { signal });
  }

  return {
    check: (request) => checkRequest(request, { ...settings, hasTool: (name) => tool(name) !== undefined }),
    async pin(request, how) {
      return withProgress(how, { step: 'pin', done: 0, total: 1 }, () => pinSources(parts, request, { signal: how.signal }));
    },
    note(tree, text) {
      const log = openGenerationLog(placesOfTree(settings, tree).directory);
      log.warn(text);
      log.close();
    },
    async generate(job, how) {
      how.signal.throwIfAborted();
      const places = placesOfTree(settings, job);
      try {
        const published = await readPublished(places);
        const generated = published?.job === digestOfJob(job) ? published.generated : await generateAttempt(places, job, how);
        await sourceKinds[job.inputs.request.sourceType].published?.(places, job, generated);
        return generated;
      } catch (error) {
        how.signal.throwIfAborted();
        throw asEngineError(error, `compose odcs-${job.id}`);
      }
    },
    has: async (tree) => isWhole(placesOfTree(settings, tree)),
    async remove(tree) {
      const places = placesOfTree(settings, tree);
      await removeObjects(tree);
      await unlinkCompose(places.root, tree.id);
      await removeTree(places);
    },
    async list() {
      const found = await Promise.all(targets.map(async (targetDir): Promise<TreeName[]> => (await listIds(path.dirname(placesOfTree(settings, { id: 1, targetDir }).directory))).map((id) => ({ id, targetDir }))));
      const known = new Set(found.flat().map(({ id, targetDir }) => `${targetDir} ${id}`));
      const objects = ((await parts.bucket?.list()) ?? []).flatMap((name) => treeIdOf(name) ?? []);
      return [...found.flat(), ...objects.filter((id) => !known.has(`default ${id}`)).map((id) => ({ id, targetDir: 'default' }))];
    },
    sweep: (plans) => sweepStores(parts, plans),
    close: () => parts.close(),
  };
}

/** Tells the same progress as long as something goes on that has none of its own. */
async function withProgress<T>({ onProgress }: EngineOptions, progress: GenerationProgress, work: () => Promise<T>): Promise<T> {
  onProgress?.(progress);
  const tick = setInterval(() => onProgress?.(progress), 500);
  try {
    return await work();
  } finally {
    clearInterval(tick);
  }
}

async function withLog(places: TreePlaces, how: EngineOptions, progress: GenerationProgress, work: (log: GenerationLog) => Promise<void>): Promise<void> {
  const log = openGenerationLog(places.directory);
  try {
    await withProgress(how, progress, () => work(log));
  } finally {
    log.close();
  }
}

/** The last lines of the log: a thread that was ended, or died, could not write them. */
function tellEnd(places: TreePlaces, signal: AbortSignal, failure: MillraceError): void {
  const log = openGenerationLog(places.directory);
  if (signal.aborted) log.error(`Compose stopped: ${errorMessage(signal.reason)}`);
  // The log is that of the attempt that goes on.
  else if (failure.code === 'resources-in-use') log.warn(failure.message);
  else log.error(`Compose failed: ${failure.message}`);
  if (!signal.aborted && failure.suggestion !== undefined) log.info(failure.suggestion);
  log.close();
}

/** Of trees, and of what attempts and removals left behind. */
async function listIds(root: string): Promise<number[]> {
  const names = [...(await namesIn(root)), ...(await namesIn(path.join(root, stagingName)))];
  return [...new Set(names.flatMap((name) => treeIdOf(name) ?? []))].sort((one, other) => one - other);
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

