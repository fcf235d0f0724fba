import type { Candidate } from './candidate-pool.js';
import type { CandidatesByName } from './candidate-standing.js';
import { isArchitecture } from './architectures.js';
import { isPattern, matchesPattern } from './name-pattern.js';
import type { WorkBudget } from './work-budget.js';

export interface WantedOptions {
  readonly byName: CandidatesByName;
  /** Architectures of the tree. */
  readonly architectures: ReadonlySet<string>;
  /** Whether a package of the other word size may stand in where there is none of the tree's own. */
  readonly otherWordSize: boolean;
  readonly accepts: (candidate: Candidate) => boolean;
  readonly budget: WorkBudget;
}

export interface Wanted {
  readonly chosen: readonly Candidate[];
  /** Names for which nothing was chosen. */
  readonly missing: readonly string[];
  /** What would have been chosen, were it accepted. */
  readonly refused: readonly Candidate[];
}

/** The newest accepted version of each wanted name. Equal versions: the tree's own architecture before `noarch`, then earlier repositories. */
export function chooseWanted(wanted: readonly string[], options: WantedOptions): Wanted {
  const chosen = new Set<Candidate>();
  const refused = new Set<Candidate>();
  const missing: string[] = [];
  for (const text of new Set(wanted)) {
    if (isOfOtherTree(text, options)) continue;
    const groups = candidatesFor(text, options).filter((group) => group.length > 0);
    const picks = groups.map((group) => group.find(options.accepts));
    for (const [position, pick] of picks.entries()) {
      if (pick !== undefined) chosen.add(pick);
      else refused.add(groups[position]?.[0] as Candidate);
    }
    if (picks.every((pick) => pick === undefined)) missing.push(text);
  }
  return { chosen: [...chosen], missing, refused: [...refused] };
}

/** Every version of every package of the tree's own architectures; of equal ones, the first that is accepted. */
export function chooseAll(pool: readonly Candidate[], accepts: (candidate: Candidate) => boolean): Wanted {
  const chosen = new Map<number, Candidate>();
  const refused = new Map<number, Candidate>();
  for (const candidate of pool) {
    const { twin } = candidate;
    if (candidate.secondary || candidate.lookaside || chosen.has(twin)) continue;
    if (accepts(candidate)) chosen.set(twin, candidate);
    else if (!refused.has(twin)) refused.set(twin, candidate);
  }
  return { chosen: [...chosen.values()], missing: [], refused: [...refused].filter(([twin]) => !chosen.has(twin)).map(([, candidate]) => candidate) };
}

/** `name.arch` of an architecture that this tree has not is for the trees that have it. */
function isOfOtherTree(text: string, { byName, architectures }: WantedOptions): boolean {
  const [, arch] = splitArch(text);
  return arch !== undefined && !architectures.has(arch) && !byName.has(text);
}

/** One list a name, best first. */
function candidatesFor(text: string, options: WantedOptions): readonly (readonly Candidate[])[] {
  const { byName, otherWordSize } = options;
  const whole = namesLike(text, options).map((name) => {
    const group = byName.get(name) ?? [];
    const native = group.filter(({ secondary }) => !secondary);
    return native.length > 0 || !otherWordSize || isPattern(text) ? native : group;
  });
  const [name, arch] = splitArch(text);
  if (arch === undefined) return whole;
  return [...whole, ...namesLike(name, options).map((like) => (byName.get(like) ?? []).filter((candidate) => candidate.package.arch === arch))];
}

function namesLike(text: string, { byName, budget }: WantedOptions): readonly string[] {
  if (!isPattern(text)) return byName.has(text) ? [text] : [];
  budget.spend(byName.size);
  return [...byName.keys()].filter((name) => matchesPattern(text, name));
}

function splitArch(text: string): readonly [name: string, arch: string | undefined] {
  const dot = text.lastIndexOf('.');
  const arch = text.slice(dot + 1);
  return dot > 0 && isArchitecture(arch) ? [text.slice(0, dot), arch] : [text, undefined];
}
