import { isMillraceError } from '../errors/millrace-error.js';
import { objectPath, type ObjectName } from '../ostree/object-name.js';
import type { PendingEntry } from '../ostree-record/ostree-record.js';
import { exportEntry, refOfEntry } from './export-entry.js';
import { exportLock, exportPath, type ExportParts } from './export-parts.js';
import { publishRef, publishSummary } from './publish-refs.js';

/** Keeps the OSTree repository of an instance as its cache is. */
export interface OstreeExport {
  /**
   * One bounded round: entries that are new or changed are exported, refs of entries that are gone are dropped, the summary is written when anything changed, and objects
   * go that nothing needs. All of it may be repeated. Errors: `storage-…`, `database-unavailable`.
   */
  round(instance: string, options: { readonly signal: AbortSignal }): Promise<ExportRound>;
  usage: ExportParts['record']['usage'];
}

export interface ExportRound {
  readonly exported: number;
  readonly dropped: number;
  readonly deleted: number;
  readonly refused: number;
  /** There is more to do now. */
  readonly more: boolean;
}

export interface OstreeExportOptions extends ExportParts {
  readonly now?: () => Date;
  /** Seconds that objects stay which no ref leads to any more: clients may be pulling them. */
  readonly grace?: number;
}

const entriesOfRound = 20;
const refsOfRound = 1000;
const objectsOfRound = 1000;
/** Milliseconds between looks at all objects, while nothing changes. */
const sweepInterval = 10 * 60_000;
/** Seconds after which an entry that is not complete, or that can never be exported, is looked at again. */
const againAfter = { incomplete: 60, taken: 600, impossible: 86_400 };
const impossible: ReadonlySet<string> = new Set(['source-invalid', 'payload-too-large', 'invalid-request']);
const incomplete: ReadonlySet<string> = new Set(['entry-not-found', 'blob-not-found']);

export function createOstreeExport({ now = () => new Date(), grace = 3600, ...parts }: OstreeExportOptions): OstreeExport {
  const { record, store, locks } = parts;
  const sweptAt = new Map<string, number>();

  /** False: it is refused for now. */
  async function exportOne(instance: string, entry: PendingEntry, signal: AbortSignal): Promise<boolean> {
    try {
      const name = refOfEntry(entry);
      if (await record.isTaken(instance, name, entry)) {
        await record.refuse(instance, entry, `the ref ${name} belongs to another entry`, againAfter.taken);
        return false;
      }
      const ref = { name, ...(await exportEntry(parts, { instance, signal }, entry)) };
      await publishRef(parts, { instance, signal }, { ref, entry });
      return true;
    } catch (error) {
      if (!isMillraceError(error) || !(impossible.has(error.code) || incomplete.has(error.code))) throw error;
      await record.refuse(instance, entry, error.message, incomplete.has(error.code) ? againAfter.incomplete : againAfter.impossible);
      return false;
    }
  }

  /** Looks at every object, and so not in every round. */
  async function sweep(instance: string, { dropped, signal }: { readonly dropped: boolean; readonly signal: AbortSignal }): Promise<readonly ObjectName[]> {
    if (!dropped && now().getTime() - (sweptAt.get(instance) ?? -Infinity) < sweepInterval) return [];
    const gone = await record.sweep(instance, { grace, limit: objectsOfRound });
    await store.remove(gone.map((name) => exportPath(instance, objectPath(name))), { signal });
    await record.forget(instance, gone);
    if (gone.length < objectsOfRound) sweptAt.set(instance, now().getTime());
    return gone;
  }

  return {
    usage: (instance) => record.usage(instance),
    round: (instance, options) =>
      locks.hold(
        exportLock(instance),
        async ({ signal: held }) => {
          const signal = AbortSignal.any([options.signal, held]);
          const pending = await record.pending(instance, entriesOfRound);
          const exported: boolean[] = [];
          for (const entry of pending) exported.push(await exportOne(instance, entry, signal));
          const orphans = await record.orphans(instance, refsOfRound);
          // Clients follow the summary; and what is dropped from the record first would not be found again after a crash.
          await store.remove(orphans.map((name) => exportPath(instance, `refs/heads/${name}`)), { signal });
          await record.dropRefs(instance, orphans);
          const changed = await publishSummary(parts, { instance, signal }, now);
          const gone = await sweep(instance, { dropped: orphans.length > 0, signal });
          const done = exported.filter(Boolean).length;
          return { exported: done, dropped: orphans.length, deleted: gone.length, refused: exported.length - done, more: pending.length === entriesOfRound || orphans.length === refsOfRound || gone.length === objectsOfRound || (changed && done > 0) };
        },
        { signal: options.signal },
      ),
  };
}
