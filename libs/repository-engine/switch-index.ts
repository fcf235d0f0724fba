import { createHash } from 'node:crypto';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { gather } from '../object-storage/gather.js';
import { lockOf, openPlace, stateFolder, type RepositoryEngineOptions } from './engine-options.js';
import { planIdentity, readPreparedState, type PreparedState, type SwitchedFile } from './prepared-state.js';
import type { HeldLock } from '../database/advisory-locks.js';
import type { ObjectStore, WriteCondition } from '../object-storage/object-store.js';
import type { IndexFile, PlannedState } from '../repository/repository-change.js';
import type { EngineOptions } from './repository-engine.js';

const atOnce = 8;
/** Writes of one file, when the store says that somebody was there in between. */
const attempts = 4;
/** Clients and caches between ask each time whether it is still so. */
const askAgain = 'no-cache';

interface Switching {
  readonly planned: PlannedState;
  readonly store: ObjectStore;
  readonly held: HeldLock;
  /** Aborts with the caller's, and when the lock is lost. */
  readonly signal: AbortSignal;
  readonly options: EngineOptions;
  readonly engine: RepositoryEngineOptions;
}

interface LoadedFile extends SwitchedFile {
  readonly bytes: Buffer;
}

/**
 * See `RepositoryEngine.switchIndex`. Everything that takes time is done before the first file is written, so that the moment in which a store without transactions has some
 * new files and some old ones is that of the writes alone. Two things keep a process that was held up from writing an old state over a newer one: the lock, which
 * is confirmed just before, and the etag of what it is to replace, which the store compares as it writes.
 */
export async function switchIndex(planned: PlannedState, index: readonly IndexFile[], { options, engine }: { readonly options: EngineOptions; readonly engine: RepositoryEngineOptions }): Promise<void> {
  const { store } = await openPlace(planned.repository, engine);
  await engine.locks.hold(
    lockOf(planned.repository),
    async (held) => {
      const signal = AbortSignal.any([options.signal, held.signal]);
      const { state } = await engine.reads.get(planned.repository);
      if (state >= planned.state) return; // it was published
      await switchHeld(index, { planned, store, held, signal, options, engine });
    },
    options,
  );
}

async function switchHeld(index: readonly IndexFile[], switching: Switching): Promise<void> {
  const { planned, store, held, signal, options, engine } = switching;
  const { switched } = await preparedFor(index, switching);
  const loaded = await loadCopies(switched, switching);
  await verifyThere(switched, index, switching);
  await engine.commands.switching(planned);
  await held.confirm();
  const before = await Promise.all(loaded.map(({ path }) => store.head(path, { signal })));
  let done = 0;
  for (const [at, file] of loaded.entries()) {
    await writeSwitched(file, before[at]?.etag, switching);
    options.onProgress?.({ step: 'switch', done: (done += 1), total: loaded.length });
  }
  await removeLeft(switched, switching);
}

/** Errors: `storage-conflict`, worth another attempt: it has to be prepared again. */
async function preparedFor(index: readonly IndexFile[], { planned, store, signal }: Switching): Promise<PreparedState> {
  const prepared = await readPreparedState(store, planned.state, signal);
  const same = prepared?.plan === planIdentity(planned) && JSON.stringify(digests(prepared.index)) === JSON.stringify(digests(index));
  if (!same) throw notPrepared(planned);
  return prepared;
}

const digests = (index: readonly IndexFile[]): readonly string[] => index.map(({ path, sha256 }) => `${path} ${sha256}`);

async function loadCopies(switched: readonly SwitchedFile[], { planned, store, signal }: Switching): Promise<readonly LoadedFile[]> {
  const loaded = new Map<string, LoadedFile>();
  await forEachAtOnce(switched, atOnce, async (file) => {
    const key = `${stateFolder(planned.state)}${file.path}`;
    const bytes = await store.get(key, { signal }).then(
      ({ content }) => gather(content, file.size, key),
      (error: unknown) => {
        throw isMillraceError(error) && error.code === 'blob-not-found' ? notPrepared(planned, error) : error;
      },
    );
    if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw notPrepared(planned);
    loaded.set(file.path, { ...file, bytes });
  });
  return switched.map(({ path }) => loaded.get(path) as LoadedFile);
}

function notPrepared({ state, repository }: PlannedState, cause?: unknown): MillraceError {
  return new MillraceError('storage-conflict', `the index of state ${state} of ${repository} is not in the store as it was prepared; it is prepared again`, { cause });
}

/**
 * Whatever is named is there before anybody can see what names it, packages and index files both: a prune of somebody else may have been quicker than this state, which
 * takes up what states of long ago have left.
 */
async function verifyThere(switched: readonly SwitchedFile[], index: readonly IndexFile[], { planned, store, signal, options }: Switching): Promise<void> {
  const copied = new Set(switched.map(({ path }) => path));
  const named: readonly IndexFile[] = [...planned.added, ...index.filter(({ path }) => !copied.has(path))];
  let done = 0;
  await forEachAtOnce(named, atOnce, async ({ path, size, sha256 }) => {
    const head = await store.head(path, { signal });
    if (head?.size !== size || (head.sha256 ?? sha256) !== sha256) throw new MillraceError('storage-conflict', `${path} is not at its place any more; it is put there again`);
    options.onProgress?.({ step: 'verify', done: (done += 1), total: named.length });
  });
}

async function writeSwitched({ path, bytes, sha256, size, contentType }: LoadedFile, etagBefore: string | undefined, { store, held, signal, engine, planned }: Switching): Promise<void> {
  let etag = etagBefore;
  for (let attempt = 1; ; attempt += 1) {
    const condition: WriteCondition = etag === undefined ? { absent: true } : { etag };
    try {
      await store.put(path, bytes, { condition, sha256, contentType, cacheControl: askAgain, signal });
      return;
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'storage-conflict' || attempt === attempts) throw error;
      // Either the answer to this very write was lost, or somebody else has written: who may only be one that was held up, as long as the lock is ours.
      await held.confirm();
      if ((await engine.reads.get(planned.repository)).state >= planned.state) throw error;
      const there = await store.head(path, { signal });
      if (there?.size === size && there.sha256 === sha256) return;
      etag = there?.etag;
    }
  }
}

/** Files that clients begin with in the state before and not in this one, such as a signature that is not made any more. */
async function removeLeft(switched: readonly SwitchedFile[], { planned, store, signal }: Switching): Promise<void> {
  const before = planned.before === 0 ? undefined : await readPreparedState(store, planned.before, signal);
  const kept = new Set(switched.map(({ path }) => path));
  const left = (before?.switched ?? []).map(({ path }) => path).filter((path) => !kept.has(path));
  if (left.length > 0) await store.remove(left, { signal });
}
