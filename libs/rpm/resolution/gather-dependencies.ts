import type { Dependency } from '../dependency.js';
import type { Candidate } from './candidate-pool.js';
import type { CandidateStanding } from './candidate-standing.js';
import type { RequirementEvaluator } from './evaluate-requirement.js';
import type { ProviderIndex } from './provider-index.js';
import { isForRpmItself, leavesOf, type ReadRequirement } from './requirement.js';
import type { Conditional, RichDependency } from './rich-dependency.js';
import type { SelectedCandidates } from './selected-candidates.js';
import type { WorkBudget } from './work-budget.js';

/** A requirement that nothing which may be selected satisfies. */
export interface Unsatisfied {
  readonly candidate: Candidate;
  readonly requirement: Dependency;
}

export interface GatherOptions {
  /** What is wanted is in it already; grows. */
  readonly selected: SelectedCandidates;
  readonly index: ProviderIndex;
  readonly evaluator: RequirementEvaluator;
  readonly standing: CandidateStanding;
  readonly read: ReadRequirement;
  /** Whether a candidate may be added at all. */
  readonly mayAdd: (candidate: Candidate) => boolean;
  /** More of what is selected so far, asked for when nothing else is to be done: multilib. */
  readonly addMore: () => void;
  readonly budget: WorkBudget;
}

interface PendingRequirement extends Unsatisfied {
  readonly expression: RichDependency;
}

/** Selects what the selected ones require, transitively. Weak dependencies are not followed. */
export async function gatherDependencies(options: GatherOptions): Promise<readonly Unsatisfied[]> {
  const { selected, index, evaluator, read, mayAdd, addMore, budget } = options;
  const { select, isSettled } = createProviderSelection(options);
  const conditionals: PendingRequirement[] = [];
  const unsatisfied = new Set<Unsatisfied>();

  const demand = (pending: PendingRequirement): void => {
    budget.spend(1);
    if (evaluator.possible(pending.expression, selected.isPresent, mayAdd)) {
      select(pending.expression);
      // A condition that came to hold may have changed what is asked for.
      unsatisfied.delete(pending);
    } else unsatisfied.add(pending);
  };

  let done = 0;
  while (done < selected.list.length) {
    const round = selected.list.slice(done);
    done = selected.list.length;
    await index.learnPaths(pathsOf(round, read));
    const open: PendingRequirement[] = [];
    for (const candidate of round) {
      for (const requirement of candidate.package.dependencies.requires) {
        if (isForRpmItself(requirement)) continue;
        const expression = read(requirement);
        if (expression === undefined) {
          unsatisfied.add({ candidate, requirement });
          continue;
        }
        const providers = isCompound(expression) ? undefined : evaluator.matching(expression);
        if (providers !== undefined && isSettled(providers)) continue;
        // What leaves no choice comes first: it may settle what does.
        if (providers === undefined || providers.length > 1) open.push({ candidate, requirement, expression });
        else demand({ candidate, requirement, expression });
      }
    }
    for (const pending of open) if (!isCompound(pending.expression)) demand(pending);
    for (const pending of open) if (isCompound(pending.expression)) demand(pending);
    conditionals.push(...open.filter(({ expression }) => isConditional(expression)));
    if (done === selected.list.length) conditionals.forEach(demand);
    if (done === selected.list.length) addMore();
  }
  return [...unsatisfied];
}

/** The paths that requirements of these packages name. */
export function pathsOf(candidates: readonly Candidate[], read: ReadRequirement): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const candidate of candidates) {
    for (const requirement of candidate.package.dependencies.requires) {
      if (requirement.name.startsWith('/')) paths.add(requirement.name);
      const expression = requirement.name.startsWith('(') ? read(requirement) : undefined;
      if (expression !== undefined) for (const { name } of leavesOf(expression)) if (name.startsWith('/')) paths.add(name);
    }
  }
  return paths;
}

interface ProviderSelection {
  /** Adds what makes a requirement hold that can be made to hold. */
  readonly select: (expression: RichDependency) => void;
  /** Whether one of these, an answer of the evaluator, is present and nothing more is to be added. */
  readonly isSettled: (providers: readonly Candidate[]) => boolean;
}

function createProviderSelection({ selected, evaluator, standing, mayAdd, budget }: GatherOptions): ProviderSelection {
  const settled = new Set<readonly Candidate[]>();

  const select = (expression: RichDependency): void => {
    switch (expression.kind) {
      case 'and':
        for (const operand of expression.operands) select(operand);
        return;
      case 'or':
        selectOneOf(expression.operands);
        return;
      case 'if':
        if (evaluator.holds(expression.condition, selected.isPresent)) select(expression.wanted);
        else if (expression.otherwise !== undefined) select(expression.otherwise);
        return;
      case 'unless':
        selectUnless(expression);
        return;
      default:
        selectProvider(evaluator.matching(expression), expression.kind === 'one' ? expression.dependency.name : '');
    }
  };

  const selectOneOf = (operands: readonly RichDependency[]): void => {
    if (operands.some((operand) => evaluator.holds(operand, selected.isPresent))) return;
    const first = operands.find((operand) => evaluator.possible(operand, selected.isPresent, mayAdd));
    if (first !== undefined) select(first);
  };

  const selectUnless = ({ wanted, condition, otherwise }: Conditional<'unless'>): void => {
    const possible = (part: RichDependency): boolean => evaluator.possible(part, selected.isPresent, mayAdd);
    const conditionHolds = evaluator.holds(condition, selected.isPresent);
    if (otherwise !== undefined && possible(otherwise) && (conditionHolds || !possible(wanted))) {
      select(condition);
      select(otherwise);
    } else if (possible(wanted)) select(wanted);
  };

  const selectProvider = (providers: readonly Candidate[], name: string): void => {
    if (settled.has(providers)) return;
    settled.add(providers);
    budget.spend(providers.length);
    if (providers.some(({ lookaside }) => lookaside)) return;
    const ranked = rankProviders(providers, name, standing);
    const chosen = ranked.find((candidate) => selected.isPresent(candidate)) ?? ranked.find(mayAdd);
    if (chosen === undefined) return;
    selected.add(chosen);
    // The other packages of the same build that provide the same, as Pungi's greedy method `build`, which ODCS sets.
    for (const other of ranked) if (isSibling(other, chosen) && !standing.isSuperseded(other) && mayAdd(other)) selected.add(other);
  };

  return { select, isSettled: (providers) => settled.has(providers) };
}

/** Best first: see docs/adr/0015. */
function rankProviders(providers: readonly Candidate[], name: string, standing: CandidateStanding): readonly Candidate[] {
  if (providers.length < 2) return providers;
  const rank = (candidate: Candidate): number =>
    (candidate.secondary ? 8 : 0) + (standing.isObsoleted(candidate) ? 4 : 0) + (standing.isSuperseded(candidate) ? 2 : 0) + (candidate.package.name === name ? 0 : 1);
  const ranked = providers.map((candidate) => ({ candidate, rank: rank(candidate) }));
  return ranked.sort((left, right) => left.rank - right.rank || left.candidate.index - right.candidate.index).map(({ candidate }) => candidate);
}

function isSibling(other: Candidate, chosen: Candidate): boolean {
  const [one, two] = [other.package, chosen.package];
  return one.name !== two.name && other.secondary === chosen.secondary && one.sourceRpm !== '' && one.sourceRpm === two.sourceRpm;
}

/** Whether several packages may be needed, or one of several requirements is to be chosen. */
function isCompound({ kind }: RichDependency): boolean {
  return kind !== 'one' && kind !== 'with' && kind !== 'without';
}

function isConditional(expression: RichDependency): boolean {
  if (expression.kind === 'one') return false;
  if (expression.kind === 'if' || expression.kind === 'unless') return true;
  return expression.operands.some(isConditional);
}
