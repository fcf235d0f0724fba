import { archiveConfig } from '../ostree/repository-config.js';
import { writeSummary, type SummaryRef } from '../ostree/summary.js';
import type { PendingEntry } from '../ostree-record/ostree-record.js';
import { exportPath, type ExportCall, type ExportParts } from './export-parts.js';

const cacheControl = 'no-cache';

/** A ref that is there from now on; the summary has it with the next `publishSummary`. Its objects are there already. */
export async function publishRef({ store, record }: Pick<ExportParts, 'store' | 'record'>, { instance, signal }: ExportCall, { ref, entry }: { readonly ref: SummaryRef; readonly entry: PendingEntry }): Promise<void> {
  await store.put(exportPath(instance, `refs/heads/${ref.name}`), Buffer.from(`${ref.commit}\n`), { cacheControl, signal });
  await record.setRef(instance, ref, entry);
}

/** Writes `config` and `summary`, as clients list refs, when refs have changed since; also the first time. */
export async function publishSummary({ store, record }: Pick<ExportParts, 'store' | 'record'>, { instance, signal }: ExportCall, now: () => Date): Promise<boolean> {
  const change = await record.dueSummary(instance);
  const summary = exportPath(instance, 'summary');
  if (change === undefined && (await store.head(summary, { signal })) !== undefined) return false;
  const bytes = writeSummary({ refs: await record.refs(instance), modified: BigInt(Math.floor(now().getTime() / 1000)) });
  await store.put(exportPath(instance, 'config'), Buffer.from(archiveConfig), { cacheControl, signal });
  await store.put(summary, bytes, { cacheControl, signal });
  if (change !== undefined) await record.published(instance, change);
  return true;
}
