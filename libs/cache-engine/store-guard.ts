import { randomUUID } from 'node:crypto';
import type { StoreRecord } from '../cache-record/store-record.js';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { readSmallObject } from '../object-storage/read-small-object.js';

/** Knows whether the store is the one that the record means, and answers. */
export interface StoreGuard {
  /** As it was some seconds ago at most. Errors: `storage-unavailable`, `database-unavailable`. */
  demand(): Promise<void>;
  /** As it is now: before anything is believed to be lost. Errors: as `demand`. */
  demandNow(): Promise<void>;
}

export interface StoreGuardOptions {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'head'>;
  readonly record: StoreRecord;
  /** What is wrong with the store, once; undefined: it is there again. */
  readonly onChange?: (problem: string | undefined) => void;
  /** The record cannot be told of it. */
  readonly onUntold?: (error: unknown) => void;
  /** Milliseconds by a clock that only goes on. */
  readonly now?: () => number;
}

/** An object of the store whose content is in the record, too; no instance's name begins with a dot. */
export const markerKey = '.millrace-cache-store';
const markerBytes = 200;
/** Milliseconds for which an answer counts: that all is well, for writes; that it is not, for everybody. */
const trustedFor = 2000;
const refusedFor = 1000;
/** Another process may have told of an absence, and ended. */
const toldAgain = 60_000;
/** Objects of which one is enough to know a store by that has lost its marker. */
const sampled = 10;
const signal = new AbortController().signal;

/**
 * A directory that is not mounted, an emptied bucket, or one of somebody else has none of the objects: that is no loss of blobs. The store is the record's when its marker is
 * there. Without a marker it gets one if nothing is known to lie there, or if something lies there that is known.
 */
export function createStoreGuard({ store, record, onChange = () => undefined, onUntold = () => undefined, now = () => performance.now() }: StoreGuardOptions): StoreGuard {
  let known: string | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let last: { readonly at: number; readonly error: Error | undefined } | undefined;
  let away: string | undefined;
  let toldAt = -Infinity;

  async function check(): Promise<void> {
    const found = await marked();
    known ??= await record.marker();
    if (found !== undefined && known === undefined) known = await record.takeMarker(found);
    if (found === undefined) await mark(known);
    else if (found !== known) throw foreign(found, known ?? '');
  }

  async function marked(): Promise<string | undefined> {
    const bytes = await readSmallObject(store, markerKey, { limit: markerBytes, signal });
    return bytes?.toString('utf8').trim();
  }

  async function mark(marker = `millrace-cache ${randomUUID()}`): Promise<void> {
    const objects = await record.someObjects(sampled);
    if (objects.length > 0 && !(await anyOf(objects))) throw empty(known ?? (await record.takeMarker(marker)));
    // First in the store: a crash after it leaves a marker that is taken up by the next check.
    await store.put(markerKey, Buffer.from(`${marker}\n`), { condition: { absent: true } }).catch((error: unknown) => {
      if (!isMillraceError(error) || error.code !== 'storage-conflict') throw error;
    });
    const [there, taken] = [await marked(), await record.takeMarker(marker)];
    known = taken;
    if (there !== taken) throw foreign(there ?? 'none', taken);
  }

  async function anyOf(objects: readonly string[]): Promise<boolean> {
    for (const object of objects) if ((await store.head(object)) !== undefined) return true;
    return false;
  }

  async function start(): Promise<void> {
    try {
      await check();
      last = { at: now(), error: undefined };
      await tellBack();
    } catch (thrown) {
      const error = asUnavailable(thrown);
      last = { at: now(), error: error instanceof Error ? error : undefined };
      if (isMillraceError(error) && error.code === 'storage-unavailable') await tellAway(error);
      throw error;
    } finally {
      running = undefined;
    }
  }

  async function tellAway(error: Error): Promise<void> {
    if (away !== undefined) return;
    away = errorMessage(error);
    onChange(away);
    await record.recordAway(away).catch(onUntold);
  }

  async function tellBack(): Promise<void> {
    if (away === undefined && now() - toldAt < toldAgain) return;
    if (away !== undefined) onChange(undefined);
    away = undefined;
    toldAt = now();
    await record.recordBack().catch(onUntold);
  }

  function after(): Promise<void> {
    if (running === undefined) return (running = start());
    next ??= running.catch(() => undefined).then(() => {
      next = undefined;
      return (running = start());
    });
    return next;
  }

  function refusal(): Error | undefined {
    return last?.error !== undefined && now() - last.at < refusedFor ? last.error : undefined;
  }

  return {
    async demand() {
      const refused = refusal();
      if (refused !== undefined) throw refused;
      if (last !== undefined && last.error === undefined && now() - last.at < trustedFor) return;
      await (running ?? after());
    },
    async demandNow() {
      const refused = refusal();
      if (refused !== undefined) throw refused;
      await after();
    },
  };
}

/** Rights and names are the operator's matter: to whoever pulls or pushes, the store is away. */
export function asUnavailable(error: unknown): unknown {
  if (!isMillraceError(error) || error.code !== 'storage-refused') return error;
  return new MillraceError('storage-unavailable', error.message, { cause: error, ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }) });
}

function empty(marker: string): MillraceError {
  return new MillraceError('storage-unavailable', 'the store of the artifact cache has neither its marker nor any blob that has to be there: nothing is read from it or written to it', {
    suggestion: `Is MILLRACE_CACHE_BLOBS mounted, and the right one? If its content is lost for good, put an object ${markerKey} with the text "${marker}" there: what is not there becomes a miss when it is read.`,
  });
}

function foreign(found: string, wanted: string): MillraceError {
  return new MillraceError('storage-unavailable', `the store of the artifact cache is marked as ${JSON.stringify(found)}, and not as ${JSON.stringify(wanted)}: it belongs to another cache`, {
    suggestion: `Set MILLRACE_CACHE_BLOBS to the store of this cache. If this one is to be its store from now on, write the other text into its object ${markerKey}.`,
  });
}
