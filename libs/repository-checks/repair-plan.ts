import type { ObjectStore } from '../object-storage/object-store.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import type { CheckParts } from './check-parts.js';
import type { CheckReport, Finding } from './finding.js';
import { hashObject } from '../object-storage/hash-object.js';
import { findLostBytes } from './lost-bytes.js';

/** One thing that mends. Steps are done in their order, and may be done again. */
export type RepairStep =
  /** The copy that was kept for the switch takes the place of what clients see. */
  | { readonly action: 'restore-index-file'; readonly path: string; readonly from: string; readonly sha256: string }
  /** It is written anew with the next state. */
  | { readonly action: 'drop-index-file'; readonly path: string }
  | { readonly action: 'write-index' }
  /** Out of clients' way, and kept: `to`. */
  | { readonly action: 'set-aside'; readonly path: string; readonly to: string; readonly package: string }
  | { readonly action: 'bring-back'; readonly path: string; readonly from: string; readonly sha256: string; readonly package: string }
  | { readonly action: 'read-metadata'; readonly path: string; readonly sha256: string; readonly package: string }
  /** Its bytes are nowhere: the next state does not list it. */
  | { readonly action: 'remove-entry'; readonly package: string };

export interface RepairSubject {
  readonly parts: Pick<CheckParts, 'reads'>;
  readonly store: ObjectStore;
  readonly format: PackageFormat;
  readonly signal: AbortSignal;
}

/** What would mend the findings of a check. Changes nothing; what is missing between packages nobody but their builders can mend. */
export async function planRepair(report: CheckReport, subject: RepairSubject): Promise<readonly RepairStep[]> {
  const steps: RepairStep[] = [];
  for (const finding of report.findings) {
    subject.signal.throwIfAborted();
    steps.push(...(await stepsFor(finding, report, subject)));
  }
  const lost = new Set(steps.flatMap((step) => (step.action === 'remove-entry' ? [step.package] : [])));
  const useful = steps.filter((step) => step.action !== 'read-metadata' || !lost.has(step.package));
  // Any new state has its index written anew; without one, it has to be asked for.
  const asks = useful.some(({ action }) => action === 'drop-index-file' || action === 'read-metadata') && lost.size === 0;
  return asks ? [...useful, { action: 'write-index' }] : useful;
}

async function stepsFor(finding: Finding, report: CheckReport, subject: RepairSubject): Promise<readonly RepairStep[]> {
  const { path, expected, package: about } = finding;
  if (path === undefined || expected === undefined) return [];
  if (finding.kind === 'missing-index-file' || finding.kind === 'wrong-index-file') return indexSteps({ path, sha256: expected, state: report.state }, subject);
  if (about === undefined) return [];
  if (finding.kind === 'missing-metadata') return [{ action: 'read-metadata', path, sha256: expected, package: about.key }];
  if (finding.kind === 'missing-object' || finding.kind === 'wrong-size' || finding.kind === 'wrong-digest') return objectSteps(report.repository, about.key, subject);
  return [];
}

async function indexSteps({ path, sha256, state }: { readonly path: string; readonly sha256: string; readonly state: number }, { store, signal }: RepairSubject): Promise<readonly RepairStep[]> {
  const from = `.states/${state}/${path}`;
  if ((await hashObject(store, from, { signal }))?.sha256 === sha256) return [{ action: 'restore-index-file', path, from, sha256 }];
  return [{ action: 'drop-index-file', path }];
}

async function objectSteps(repository: string, key: string, { parts, store, format, signal }: RepairSubject): Promise<readonly RepairStep[]> {
  const { path, sha256, size } = await parts.reads.package(repository, key);
  const there = await hashObject(store, path, { signal });
  if (there?.sha256 === sha256) return [];
  const obsoletePath = format.obsoletePathOf(path);
  const aside: RepairStep[] = there === undefined ? [] : [{ action: 'set-aside', path, to: `${obsoletePath}.damaged-${there.sha256.slice(0, 16)}`, package: key }];
  const from = await findLostBytes(store, { sha256, size, obsoletePath }, signal);
  if (from !== undefined) return [...aside, { action: 'bring-back', path, from, sha256, package: key }];
  return [...aside, { action: 'remove-entry', package: key }];
}
