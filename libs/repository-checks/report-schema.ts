import { z } from 'zod';
import { findingKinds, shownFindings, type CheckReport } from './finding.js';

const kind = z.enum(findingKinds);
const text = z.string().max(65_536);
const count = z.int().min(0);
const about = z.strictObject({ key: text, name: text, version: text, architecture: text });
const finding = z.strictObject({ kind, path: text.exactOptional(), package: about.exactOptional(), expected: text.exactOptional(), found: text.exactOptional(), message: text });

/** What lies in a bucket may have been written by anybody who may write there. */
const reportSchema: z.ZodType<CheckReport> = z.strictObject({
  repository: text,
  kind: z.enum(['haiku', 'rpm', 'deb']),
  state: count,
  depth: z.enum(['quick', 'deep']),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  packages: count,
  objects: count,
  bytesRead: count,
  counts: z.record(kind, count),
  findings: z.array(finding).max(findingKinds.length * shownFindings),
});

/** Undefined: it is no report. */
export function parseReport(json: string): CheckReport | undefined {
  try {
    return reportSchema.parse(JSON.parse(json));
  } catch {
    return undefined; // the next check writes another
  }
}
