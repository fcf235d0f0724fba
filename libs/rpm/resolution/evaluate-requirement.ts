import type { Candidate } from './candidate-pool.js';
import type { ProviderIndex } from './provider-index.js';
import type { RichDependency } from './rich-dependency.js';
import type { WorkBudget } from './work-budget.js';

export type IsPresent = (candidate: Candidate) => boolean;

/** Judges requirements against sets of packages. */
export interface RequirementEvaluator {
  /** Candidates each of which would do alone. Meant for simple dependencies, `with`, `without` and `or` of them. */
  matching(expression: RichDependency): readonly Candidate[];
  /**
   * Whether it holds among the packages that are present. The set is a repository, not an installed system: what `unless` rules out may be there as well,
   * for whoever installs can leave it out.
   */
  holds(expression: RichDependency, isPresent: IsPresent): boolean;
  /** Whether it can be made to hold by adding packages that may be added; conditions (`if`) stay as they are. */
  possible(expression: RichDependency, isPresent: IsPresent, mayAdd: IsPresent): boolean;
}

export function createRequirementEvaluator(index: ProviderIndex, budget: WorkBudget): RequirementEvaluator {
  const answers = new Map<RichDependency, readonly Candidate[]>();

  const matching = (expression: RichDependency): readonly Candidate[] => {
    if (expression.kind === 'one') return index.providers(expression.dependency);
    const known = answers.get(expression);
    if (known !== undefined) return known;
    const found = combine(expression);
    answers.set(expression, found);
    return found;
  };

  const combine = (expression: RichDependency): readonly Candidate[] => {
    if (expression.kind === 'one') return index.providers(expression.dependency);
    if (expression.kind === 'if') return matching(expression.wanted);
    if (expression.kind === 'unless') return difference(matching(expression.wanted), matching(expression.condition));
    const sets = expression.operands.map(matching);
    budget.spend(sets.reduce((sum, set) => sum + set.length, 1));
    const [first = [], ...others] = sets;
    if (expression.kind === 'or') return [...new Set(sets.flat())].sort((left, right) => left.index - right.index);
    return expression.kind === 'without' ? others.reduce(difference, first) : others.reduce(intersection, first);
  };

  const some = (expression: RichDependency, accepts: IsPresent): boolean => {
    const found = matching(expression);
    const position = found.findIndex(accepts);
    budget.spend(position === -1 ? found.length + 1 : position + 1);
    return position !== -1;
  };

  const holds = (expression: RichDependency, isPresent: IsPresent): boolean => {
    switch (expression.kind) {
      case 'and':
        return expression.operands.every((operand) => holds(operand, isPresent));
      case 'or':
        return expression.operands.some((operand) => holds(operand, isPresent));
      case 'if':
        if (holds(expression.condition, isPresent)) return holds(expression.wanted, isPresent);
        return expression.otherwise === undefined || holds(expression.otherwise, isPresent);
      case 'unless':
        if (holds(expression.wanted, isPresent)) return true;
        return expression.otherwise !== undefined && holds(expression.condition, isPresent) && holds(expression.otherwise, isPresent);
      default:
        return some(expression, isPresent);
    }
  };

  const possible = (expression: RichDependency, isPresent: IsPresent, mayAdd: IsPresent): boolean => {
    switch (expression.kind) {
      case 'and':
        return expression.operands.every((operand) => possible(operand, isPresent, mayAdd));
      case 'or':
        return expression.operands.some((operand) => possible(operand, isPresent, mayAdd));
      case 'if':
        if (holds(expression.condition, isPresent)) return possible(expression.wanted, isPresent, mayAdd);
        return expression.otherwise === undefined || possible(expression.otherwise, isPresent, mayAdd);
      case 'unless':
        if (possible(expression.wanted, isPresent, mayAdd)) return true;
        return expression.otherwise !== undefined && possible(expression.condition, isPresent, mayAdd) && possible(expression.otherwise, isPresent, mayAdd);
      default:
        return some(expression, (candidate) => isPresent(candidate) || mayAdd(candidate));
    }
  };

  return { matching, holds, possible };
}

function intersection(left: readonly Candidate[], right: readonly Candidate[]): readonly Candidate[] {
  const others = new Set(right);
  return left.filter((candidate) => others.has(candidate));
}

function difference(left: readonly Candidate[], right: readonly Candidate[]): readonly Candidate[] {
  const others = new Set(right);
  return left.filter((candidate) => !others.has(candidate));
}
