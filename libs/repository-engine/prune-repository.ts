import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { lockOf, openPlace, type EnginePlace, type RepositoryEngineOptions } from './engine-options.js';
import { objectsToPrune, type ObjectsToPrune } from './objects-to-prune.js';
import type { HeldLock } from '../database/advisory-locks.js';
import type { PrunedObjects } from '../repository-record/repository-record.js';
import type { PruneOptions } from './repository-engine.js';

const atOnce = 8;
/** Objects between two entries of the record: what was done is known even when the rest breaks off. */
const batch = 200;
const shown = 100;

/** See `RepositoryEngine.prune`. Where nothing was ever published, nothing is pruned: what lies there is somebody else's. */
export async function pruneRepository(name: string, options: PruneOptions, engine: RepositoryEngineOptions): Promise<PrunedObjects> {
  const nothing: PrunedObjects = { moved: [], deleted: [], strangers: [] };
  return engine.locks.hold(
    lockOf(name),
    async (held) => {
      // In this order: a state that is recorded in between is known by its plan, and by the list as well.
      const planned = await engine.reads.planned(name);
      const place = await openPlace(name, engine);
      if (place.repository.state === 0) return nothing;
      const signal = AbortSignal.any([options.signal, held.signal]);
      const objects = await objectsToPrune({ ...place, planned }, { ...options, signal }, engine);
      guard(objects, place, options);
      const done = { moved: objects.move.map(({ key }) => key), deleted: objects.expired.map(({ key }) => key), strangers: [...objects.strangers, ...objects.remove] };
      if (options.dryRun) return done;
      await carryOut(objects, { ...place, held }, { options: { ...options, signal }, engine });
      return done;
    },
    options,
  );
}

/** A record that has lost packages, or a place that is another's, looks like a repository full of strangers. */
function guard({ move, strangers, packages }: ObjectsToPrune, { repository }: EnginePlace, { dryRun, force }: PruneOptions): void {
  const { settings, name } = repository;
  const gone = move.length + strangers.length;
  const all = packages + strangers.length;
  if (dryRun || force || gone <= settings.guard.packages || gone <= settings.guard.share * all) return;
  throw new MillraceError('change-guarded', `pruning ${name} would take away ${gone} of ${all} objects (${move.length} packages that no state lists, ${strangers.length} objects that nothing knows): more than ${settings.guard.packages}, and more than ${settings.guard.share * 100} %`, {
    details: [...move.map(({ path }) => path), ...strangers].slice(0, shown).map((path) => ({ path })),
    suggestion: 'Look at what a dry run says; then ask with force, or have the check repair what the record has lost.',
  });
}

async function carryOut(objects: ObjectsToPrune, place: HeldPlace, { options, engine }: { readonly options: PruneOptions; readonly engine: RepositoryEngineOptions }): Promise<void> {
  const { signal, by, onProgress } = options;
  const { format, repository } = place;
  const total = objects.move.length + objects.strangers.length + objects.expired.length + objects.remove.length;
  let done = 0;
  const tell = (pruned: Partial<PrunedObjects>): Promise<void> => engine.commands.pruned(repository.name, { moved: [], deleted: [], strangers: [], ...pruned }, by);
  const inBatches = async <T>(items: readonly T[], work: (items: readonly T[]) => Promise<void>): Promise<void> => {
    for (let at = 0; at < items.length; at += batch) {
      const some = items.slice(at, at + batch);
      await work(some);
      onProgress?.({ step: 'prune', done: (done += some.length), total });
    }
  };
  await inBatches(objects.move, async (some) => {
    await forEachAtOnce(some, atOnce, ({ path }) => setAside(path, format.obsoletePathOf(path), { place, signal }));
    await tell({ moved: some.map(({ key }) => key) });
  });
  await inBatches(objects.strangers, async (some) => {
    await forEachAtOnce(some, atOnce, (path) => setAside(path, format.obsoletePathOf(path), { place, signal, stream: true }));
    await tell({ strangers: some });
  });
  await inBatches(objects.expired, async (some) => {
    await removeHeld(some.map(({ path }) => format.obsoletePathOf(path)), place, signal);
    await tell({ deleted: some.map(({ key }) => key) });
  });
  await inBatches(objects.remove, async (some) => {
    await removeHeld(some, place, signal);
    await tell({ strangers: some });
  });
}

interface HeldPlace extends EnginePlace {
  readonly held: HeldLock;
}

/** Asked just before: a process that was stopped, and has lost the lock without hearing of it, takes nothing away that a state lists again by now. */
async function removeHeld(paths: readonly string[], { store, held }: HeldPlace, signal: AbortSignal): Promise<void> {
  await held.confirm();
  await store.remove(paths, { signal });
}

interface SettingAside {
  readonly place: HeldPlace;
  readonly signal: AbortSignal;
  /** Written anew: a copy may have the age of what it is a copy of, and the record does not know since when a stranger lies there. */
  readonly stream?: boolean;
}

/** Copied, looked at, then deleted; done before in part: done to its end. */
async function setAside(from: string, to: string, { place, signal, stream = false }: SettingAside): Promise<void> {
  const { store } = place;
  const head = await store.head(from, { signal });
  if (head === undefined) return;
  try {
    if (stream) await store.put(to, { stream: (await store.get(from, { etag: head.etag, signal })).content as AsyncIterable<Buffer>, size: head.size }, { signal });
    else await store.copy(from, to, { signal });
  } catch (error) {
    if (isMillraceError(error) && error.code === 'blob-not-found') return;
    throw error;
  }
  const copy = await store.head(to, { signal });
  if (copy?.size !== head.size) throw new MillraceError('storage-unavailable', `the copy ${to} has ${copy?.size ?? 0} bytes and ${from} has ${head.size}: it stays where it is`);
  await removeHeld([from], place, signal);
}
