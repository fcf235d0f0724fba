import type { Candidate } from './candidate-pool.js';
import { compareTexts } from './candidate-pool.js';
import type { Violation } from './check-dependencies.js';
import { formatDependency, packageLabel } from './dependency-text.js';
import type { Unsatisfied } from './gather-dependencies.js';
import type { ProviderIndex } from './provider-index.js';
import { leavesOf, type ReadRequirement } from './requirement.js';
import type { BrokenDependency } from './selection.js';

/** As many as a reader wants to see. */
const mostCandidates = 10;
/** Of a rich requirement, which may be of any length, the first parts. */
const mostParts = 20;

export interface BrokenReport {
  readonly unsatisfied: readonly Unsatisfied[];
  readonly violations: readonly Violation[];
  readonly index: ProviderIndex;
  readonly read: ReadRequirement;
}

/** In words for a reader; each once, sorted. */
export function reportBroken({ unsatisfied, violations, index, read }: BrokenReport): readonly BrokenDependency[] {
  const namesakes = (violation: Pick<Violation, 'dependency'>): readonly Candidate[] => {
    const expression = read(violation.dependency);
    return expression === undefined ? [] : [...leavesOf(expression).take(mostParts)].flatMap(({ name }) => index.namesakes(name, 2 * mostCandidates));
  };
  const broken = [
    ...violations.map((violation) => entry(violation, violation.kind === 'conflicts' ? violation.against : namesakes(violation))),
    ...unsatisfied.map(({ candidate, requirement }) => entry({ candidate, dependency: requirement, kind: 'requires' }, namesakes({ dependency: requirement }))),
  ];
  const distinct = new Map(broken.map((one) => [`${one.package}\n${one.kind}\n${one.requirement}`, one]));
  return [...distinct].sort(([left], [right]) => compareTexts(left, right)).map(([, one]) => one);
}

function entry({ candidate, dependency, kind }: Omit<Violation, 'against'>, others: readonly Candidate[]): BrokenDependency {
  const labels = new Set(others.map((other) => packageLabel(other.package)));
  return { package: packageLabel(candidate.package), requirement: formatDependency(dependency), kind, candidates: [...labels].slice(0, mostCandidates) };
}
