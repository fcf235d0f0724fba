import type { Dependency } from '../dependency.js';
import type { Candidate } from './candidate-pool.js';
import type { IsPresent, RequirementEvaluator } from './evaluate-requirement.js';
import { isForRpmItself, type ReadRequirement } from './requirement.js';
import type { RichDependency } from './rich-dependency.js';
import type { WorkBudget } from './work-budget.js';

export interface CheckOptions {
  readonly evaluator: RequirementEvaluator;
  readonly read: ReadRequirement;
  readonly isPresent: IsPresent;
  readonly budget: WorkBudget;
}

export interface Violation {
  readonly candidate: Candidate;
  readonly dependency: Dependency;
  readonly kind: 'requires' | 'conflicts';
  /** The packages in whose way the conflict is. */
  readonly against: readonly Candidate[];
}

/** What keeps a package from being installed, whatever else is: a requirement that nothing present satisfies, or a conflict with all that satisfies one. */
export function findViolations(candidates: readonly Candidate[], options: CheckOptions): readonly Violation[] {
  const conflicting = createConflictFinder(options);
  return candidates.flatMap((candidate) => {
    const { evaluator, read, isPresent, budget } = options;
    const violations: Violation[] = [];
    for (const dependency of candidate.package.dependencies.requires) {
      if (isForRpmItself(dependency)) continue;
      budget.spend(1);
      const expression = read(dependency);
      const providers = expression !== undefined && isOfOnePackage(expression) ? evaluator.matching(expression) : undefined;
      const holds = providers === undefined ? expression !== undefined && evaluator.holds(expression, isPresent) : hasPresent(providers, options);
      if (!holds) violations.push({ candidate, dependency, kind: 'requires', against: [] });
      else if (providers !== undefined) violations.push(...conflicting(candidate, providers));
    }
    return violations;
  });
}

function hasPresent(providers: readonly Candidate[], { isPresent, budget }: CheckOptions): boolean {
  const position = providers.findIndex(isPresent);
  budget.spend(position === -1 ? providers.length : position);
  return position !== -1;
}

const noConflicts: ReadonlyMap<Dependency, ReadonlySet<Candidate>> = new Map();

/** Finds out whether a package and all providers of one of its requirements rule each other out. */
function createConflictFinder({ evaluator, read, isPresent, budget }: CheckOptions): (candidate: Candidate, providers: readonly Candidate[]) => readonly Violation[] {
  const ruledOut = new Map<Candidate, ReadonlyMap<Dependency, ReadonlySet<Candidate>>>();

  const conflictsOf = (candidate: Candidate): ReadonlyMap<Dependency, ReadonlySet<Candidate>> => {
    if (candidate.package.dependencies.conflicts.length === 0) return noConflicts;
    let found = ruledOut.get(candidate);
    if (found === undefined) {
      const entries = candidate.package.dependencies.conflicts.flatMap((conflict) => {
        const expression = read(conflict);
        return expression !== undefined && isOfOnePackage(expression) ? [[conflict, new Set(evaluator.matching(expression))] as const] : [];
      });
      budget.spend(entries.reduce((sum, [, set]) => sum + set.size, 1));
      found = new Map(entries);
      ruledOut.set(candidate, found);
    }
    return found;
  };
  const between = (one: Candidate, other: Candidate): Dependency | undefined => {
    budget.spend(conflictsOf(one).size + conflictsOf(other).size);
    for (const [conflict, set] of conflictsOf(one)) if (set.has(other)) return conflict;
    for (const [conflict, set] of conflictsOf(other)) if (set.has(one)) return conflict;
    return undefined;
  };

  return (candidate, providers) => {
    const violations = new Map<Dependency, Candidate[]>();
    for (const provider of providers) {
      budget.spend(1);
      if (!isPresent(provider)) continue;
      const conflict = provider === candidate ? undefined : between(candidate, provider);
      if (conflict === undefined) return [];
      const against = violations.get(conflict);
      if (against === undefined) violations.set(conflict, [provider]);
      else against.push(provider);
    }
    return [...violations].map(([dependency, against]) => ({ candidate, dependency, kind: 'conflicts' as const, against }));
  };
}

/** Whether one package can make it true alone. */
function isOfOnePackage(expression: RichDependency): boolean {
  if (expression.kind === 'one' || expression.kind === 'with' || expression.kind === 'without') return true;
  return expression.kind === 'or' && expression.operands.every(isOfOnePackage);
}
