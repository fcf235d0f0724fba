import { createHash } from 'node:crypto';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { incomingKey, lockOf, openPlace, type EnginePlace, type RepositoryEngineOptions } from './engine-options.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import type { HeldLock } from '../database/advisory-locks.js';
import type { ObjectHead, ObjectStore } from '../object-storage/object-store.js';
import type { PlannedPackage, PlannedState } from '../repository/repository-change.js';
import type { RepositoryKind } from '../repository/repository.js';
import type { EngineOptions } from './repository-engine.js';

const atOnce = 8;
const contentTypes: Readonly<Record<RepositoryKind, string>> = { haiku: 'application/x-vnd.haiku-package', rpm: 'application/x-rpm', deb: 'application/vnd.debian.binary-package' };
/** A package's bytes never change. */
const forEver = 'public, max-age=31536000, immutable';

/** See `RepositoryEngine.place`. */
export async function placePackages({ repository, added }: PlannedState, { signal, onProgress }: EngineOptions, engine: RepositoryEngineOptions): Promise<void> {
  const place = await openPlace(repository, engine);
  let done = 0;
  await forEachAtOnce(added, atOnce, async (planned) => {
    await placePackage(planned, place, signal).catch((error: unknown) => {
      // A prune moves it, or another process has carried the state out: the next attempt sees which.
      if (isMillraceError(error) && error.code === 'blob-not-found') throw new MillraceError('storage-conflict', `the bytes of ${planned.key} went while they were put at their place; they are looked for again`, { cause: error });
      throw error;
    });
    onProgress?.({ step: 'place', done: (done += 1), total: added.length });
  });
}

async function placePackage(planned: PlannedPackage, { store, format, repository }: EnginePlace, signal: AbortSignal): Promise<void> {
  const { path, size } = planned;
  if (await isPlaced(planned, store, signal)) return;
  const from = await sourceOf(planned, { store, obsolete: format.obsoletePathOf(path), signal });
  try {
    const copied = await store.copy(from, path, { sha256: planned.sha256, condition: { absent: true }, contentType: contentTypes[repository.kind], cacheControl: forEver, signal });
    if (copied.size !== size) throw new MillraceError('storage-unavailable', `the store copied ${copied.size} bytes of ${path}, which has ${size}`);
  } catch (error) {
    // Somebody was quicker, or the answer to an attempt before was lost.
    if (!isMillraceError(error) || error.code !== 'storage-conflict') throw error;
    if (!(await isPlaced(planned, store, signal))) throw error;
  }
}

/** Whether its very bytes are at its path. Errors: `package-conflict`: others are. */
async function isPlaced(planned: Pick<PlannedPackage, 'path' | 'size' | 'sha256' | 'key'>, store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const head = await store.head(planned.path, { signal });
  if (head === undefined) return false;
  const sha256 = await digestOf(planned.path, head, { store, signal, expectedSize: planned.size }).catch((error: unknown) => {
    // Moved away as it was read.
    if (isMillraceError(error) && error.code === 'blob-not-found') return 'gone' as const;
    throw error;
  });
  if (sha256 === 'gone') return false;
  if (sha256 === planned.sha256) return true;
  throw new MillraceError('package-conflict', `${planned.path} is there with other bytes: ${head.size} bytes${sha256 === undefined ? '' : ` with SHA-256 ${sha256}`}, where ${planned.key} has ${planned.size} bytes with SHA-256 ${planned.sha256}`, {
    details: [{ key: planned.key, path: planned.path, published: sha256 ?? null, offered: planned.sha256 }],
    suggestion: 'What is published is never overwritten. If no state of this repository has ever listed that object, prune takes it away a day after it came.',
  });
}

/** As the store says, where Millrace has told it; else of the bytes. Undefined where the size says already that they differ. */
async function digestOf(key: string, head: ObjectHead, { store, signal, expectedSize }: { readonly store: ObjectStore; readonly signal: AbortSignal; readonly expectedSize: number }): Promise<string | undefined> {
  if (head.sha256 !== undefined) return head.sha256;
  if (head.size !== expectedSize) return undefined;
  const { content } = await store.get(key, { etag: head.etag, signal });
  const hash = createHash('sha256');
  for await (const chunk of content as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

async function sourceOf(planned: PlannedPackage, { store, obsolete, signal }: { readonly store: ObjectStore; readonly obsolete: string; readonly signal: AbortSignal }): Promise<string> {
  const keys = planned.upload === undefined ? [obsolete] : [incomingKey(planned.upload), obsolete];
  for (const key of keys) {
    const head = await store.head(key, { signal });
    if (head === undefined || head.size !== planned.size) continue;
    if ((await digestOf(key, head, { store, signal, expectedSize: planned.size })) === planned.sha256) return key;
  }
  throw new MillraceError('package-not-found', `the bytes of ${planned.key} (SHA-256 ${planned.sha256}) are not in the store any more, neither at ${keys.join(' nor at ')}`, {
    details: [{ key: planned.key, sha256: planned.sha256 }],
    suggestion: planned.upload === undefined ? 'It was removed and deleted since: publish it again, with the same bytes.' : 'Upload it again.',
  });
}

/** See `RepositoryEngine.withdraw`. A place that holds other bytes by now is none of ours. Under the lock: no state becomes visible meanwhile that counts on what goes. */
export function withdrawPackages(abandoned: PlannedState, options: EngineOptions, engine: RepositoryEngineOptions): Promise<void> {
  return engine.locks.hold(lockOf(abandoned.repository), (held) => withdrawHeld(abandoned, { held, signal: AbortSignal.any([options.signal, held.signal]), engine }), options);
}

async function withdrawHeld(abandoned: PlannedState, { held, signal, engine }: { readonly held: HeldLock; readonly signal: AbortSignal; readonly engine: RepositoryEngineOptions }): Promise<void> {
  const { reads } = engine;
  const place = await openPlace(abandoned.repository, engine);
  const coming = new Set((await reads.planned(abandoned.repository))?.added.map(({ key }) => key));
  await forEachAtOnce(abandoned.added, atOnce, async (planned) => {
    if (planned.upload === undefined || coming.has(planned.key) || (await wasListed(planned, abandoned.repository, engine))) return;
    const placed = await isPlaced(planned, place.store, signal).catch((error: unknown) => {
      if (isMillraceError(error) && error.code === 'package-conflict') return false;
      throw error;
    });
    if (!placed) return;
    await held.confirm();
    await place.store.remove([planned.path], { signal });
  });
}

async function wasListed({ key }: PlannedPackage, repository: string, { reads }: RepositoryEngineOptions): Promise<boolean> {
  try {
    return (await reads.package(repository, key)).listed.length > 0;
  } catch (error) {
    if (isMillraceError(error) && error.code === 'package-not-found') return false;
    throw error;
  }
}
