import { findingKinds, shownFindings, type Finding, type FindingKind } from './finding.js';

/** Counts all, keeps some of each kind: a bucket that was lost must not fill the memory. */
export interface FindingCollector {
  add(finding: Finding): void;
  /** How often each kind was found. */
  counts(): Readonly<Record<FindingKind, number>>;
  /** In the order of `findingKinds`, then of packages and paths. */
  findings(): readonly Finding[];
}

export function collectFindings(shown = shownFindings): FindingCollector {
  const counts = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  const kept = new Map<FindingKind, Finding[]>(findingKinds.map((kind) => [kind, []]));
  return {
    add(finding) {
      counts[finding.kind] += 1;
      if (counts[finding.kind] <= shown) kept.get(finding.kind)?.push(finding);
    },
    counts: () => ({ ...counts }),
    findings: () => findingKinds.flatMap((kind) => (kept.get(kind) ?? []).toSorted(byPlace)),
  };
}

function byPlace(one: Finding, other: Finding): number {
  const [a, b] = [one, other].map(({ package: about, path, expected }) => `${about?.key ?? ''}\0${path ?? ''}\0${expected ?? ''}`) as [string, string];
  return a < b ? -1 : a > b ? 1 : 0;
}
