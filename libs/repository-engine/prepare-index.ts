import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { openPlace, stateFolder, type RepositoryEngineOptions } from './engine-options.js';
import { isMistake } from './is-mistake.js';
import { planIdentity, readPreparedState, writePreparedState } from './prepared-state.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { IndexContent, WrittenIndex } from '../repository-formats/package-format.js';
import type { IndexFile, PlannedState } from '../repository/repository-change.js';
import type { EngineOptions } from './repository-engine.js';

const atOnce = 4;
/** Milliseconds between two signs of life while a format writes. */
const progressInterval = 500;
/** Its name is that of its content. */
const forEver = 'public, max-age=31536000, immutable';

/** See `RepositoryEngine.prepareIndex`. The note of what was prepared is written last: a state that has one is whole. */
export async function prepareIndex(planned: PlannedState, options: EngineOptions, engine: RepositoryEngineOptions): Promise<readonly IndexFile[]> {
  const { signal } = options;
  const { store } = await openPlace(planned.repository, engine);
  return withWorkDirectory(engine, async (workDirectory) => {
    const { immutable, switched } = await writeIndex(planned, { workDirectory, options, engine });
    const total = immutable.length + switched.length;
    let done = 0;
    const counted = async (work: Promise<void>): Promise<void> => {
      await work;
      options.onProgress?.({ step: 'upload', done: (done += 1), total });
    };
    await forEachAtOnce(immutable, atOnce, (file) => counted(putImmutable(file, store, signal)));
    await forEachAtOnce(switched, atOnce, (file) => counted(putCopy(file, { store, state: planned.state, signal })));
    const index = [...immutable, ...switched].map(({ path: name, sha256, size }) => ({ path: name, sha256, size }));
    const prepared = { plan: planIdentity(planned), index, switched: switched.map(({ path: name, sha256, size, contentType }) => ({ path: name, sha256, size, contentType })) };
    await writePreparedState(store, planned.state, { prepared, signal });
    return index;
  });
}

/** See `RepositoryEngine.preparedIndex`. */
export async function preparedIndex(planned: PlannedState, { signal }: EngineOptions, engine: RepositoryEngineOptions): Promise<readonly IndexFile[] | undefined> {
  const { store } = await openPlace(planned.repository, engine);
  const prepared = await readPreparedState(store, planned.state, signal);
  return prepared?.plan === planIdentity(planned) ? prepared.index : undefined;
}

interface Writing {
  readonly workDirectory: string;
  readonly options: EngineOptions;
  readonly engine: RepositoryEngineOptions;
}

async function writeIndex({ repository: name, state, at, settings }: PlannedState, { workDirectory, options, engine }: Writing): Promise<WrittenIndex> {
  const { reads, keys, formats, workRoot } = engine;
  const { signal, onProgress } = options;
  const repository = { ...(await reads.get(name)), settings };
  const cacheDirectory = path.join(workRoot, 'cache', repository.kind);
  await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
  const alive = setInterval(() => onProgress?.({ step: 'write', done: 0, total: 1 }), progressInterval);
  try {
    return await formats[repository.kind].writeIndex({
      repository,
      state,
      at,
      packages: () => reads.allPackages(name, state),
      metadata: (digests) => reads.metadata(repository.kind, digests),
      keys,
      workDirectory,
      cacheDirectory,
      signal,
    });
  } catch (error) {
    // Final, unlike what is nobody's error: each attempt would come to the same, and whatever waits would wait for ever.
    if (!isMistake(error)) throw error;
    throw new MillraceError('internal', `the index of state ${state} of ${name} cannot be written: ${errorMessage(error)}`, { cause: error, suggestion: 'This is a mistake of Millrace; please report it with the packages of the change.' });
  } finally {
    clearInterval(alive);
  }
}

async function withWorkDirectory<T>({ workRoot }: RepositoryEngineOptions, work: (directory: string) => Promise<T>): Promise<T> {
  await mkdir(workRoot, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(path.join(workRoot, 'index-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** One that is there with its size is the same, unless the store says otherwise. */
async function putImmutable({ path: key, size, sha256, content, contentType }: IndexContent, store: ObjectStore, signal: AbortSignal): Promise<void> {
  const there = await store.head(key, { signal });
  if (there?.size === size && (there.sha256 === undefined || there.sha256 === sha256)) return;
  await store.put(key, content, { sha256, contentType, cacheControl: forEver, signal });
}

async function putCopy({ path: key, sha256, content, contentType }: IndexContent, { store, state, signal }: { readonly store: ObjectStore; readonly state: number; readonly signal: AbortSignal }): Promise<void> {
  await store.put(`${stateFolder(state)}${key}`, content, { sha256, contentType, signal });
}
