import type { AvailablePackage } from '../repository/available-package.js';
import { isSourceArchitecture, treeArchitectures } from './architectures.js';
import { compareTexts, comparePlaces, createCandidatePool, type Candidate } from './candidate-pool.js';
import { createCandidateStanding, groupByName } from './candidate-standing.js';
import { findViolations } from './check-dependencies.js';
import { chooseAll, chooseWanted, type Wanted } from './choose-wanted.js';
import { isDebugPackage } from './debug-packages.js';
import { createRequirementEvaluator } from './evaluate-requirement.js';
import { allSources, findDebuginfo, findSources } from './find-companions.js';
import { gatherDependencies, pathsOf } from './gather-dependencies.js';
import { createMultilibAdder } from './multilib.js';
import { createProviderIndex } from './provider-index.js';
import { reportBroken } from './report-broken.js';
import { createRequirementReader, leavesOf, type ReadRequirement } from './requirement.js';
import { createSelectedCandidates } from './selected-candidates.js';
import { compareVersions } from '../version.js';
import type { BrokenDependency, SelectionRequest, SelectPackages } from './selection.js';
import { createWorkBudget } from './work-budget.js';

export type { BrokenDependency, Selection, SelectionRequest, SelectPackages } from './selection.js';

/** See `SelectionRequest`; which of several packages is taken: docs/adr/0015. Errors: `payload-too-large` (metadata that would take too much work). */
export const selectPackages: SelectPackages = async (request) => {
  const budget = createWorkBudget();
  const architectures = treeArchitectures(request.arch);
  const otherWordSize = !request.useOnlyCompatibleArch || request.multilib.length > 0;
  const usable = otherWordSize ? architectures : { ...architectures, secondary: [] };
  const pool = createCandidatePool(request.packages, request.lookaside, usable, (available) => !isDebugPackage(available));
  const byName = groupByName(pool);
  const accepts = createAcceptance(request);
  const acceptsCandidate = (candidate: Candidate): boolean => accepts(candidate.package);

  const debugPool = createCandidatePool(request.packages, [], usable, isDebugPackage);
  const included = request.included ?? new Set();
  const isIncluded = (candidate: Candidate): boolean => included.has(candidate.package) && acceptsCandidate(candidate);
  const initial = chooseInitial();
  const selected = createSelectedCandidates();
  for (const candidate of initial.chosen) if (!isDebugPackage(candidate.package)) selected.add(candidate);
  const addMultilib = createMultilibAdder(request.multilib, selected, byName, acceptsCandidate);

  const resolved = await resolve();
  const sources = request.packages.filter(({ arch }) => isSourceArchitecture(arch));
  const whole = request.wanted.length === 0;
  const debuginfo = [...initial.chosen.filter((candidate) => isDebugPackage(candidate.package)), ...findDebuginfo(selected.list, debugPool, acceptsCandidate)];
  return {
    packages: inOrder(selected.list.map((candidate) => candidate.package)),
    debuginfo: inOrder([...new Set(debuginfo.map((candidate) => candidate.package))]),
    sources: inOrder(whole ? allSources(sources, accepts) : findSources(selected.list, sources, accepts)),
    missing: [...initial.missing].sort(compareTexts),
    refused: inOrder(initial.refused.map((candidate) => candidate.package)),
    broken: resolved,
  };

  function chooseInitial(): Wanted {
    if (request.wanted.length === 0) {
      const [binaries, debugging] = [chooseAll(pool, acceptsCandidate), chooseAll(debugPool, acceptsCandidate)];
      return { chosen: withIncluded([...binaries.chosen, ...debugging.chosen]), missing: [], refused: [...binaries.refused, ...debugging.refused] };
    }
    const known = new Set([...usable.native, ...usable.secondary]);
    const names = included.size === 0 ? byName : groupByName(pool.filter((candidate) => !included.has(candidate.package)));
    const wanted = chooseWanted(request.wanted, { byName: new Map([...names, ...groupByName(debugPool)]), architectures: known, otherWordSize, accepts: acceptsCandidate, budget });
    return { ...wanted, chosen: withIncluded(wanted.chosen), missing: wanted.missing.filter((name) => !(byName.get(name) ?? []).some(isIncluded)) };
  }

  function withIncluded(chosen: readonly Candidate[]): readonly Candidate[] {
    return included.size === 0 ? chosen : [...new Set([...chosen, ...[...pool, ...debugPool].filter(isIncluded)])];
  }

  async function resolve(): Promise<readonly BrokenDependency[]> {
    if (!request.dependencies && !request.checkDependencies) {
      addMultilib();
      return [];
    }
    const read = createRequirementReader();
    const index = createProviderIndex({ pool, demanded: demandedNames(pool, read), findFileOwners: request.findFileOwners, budget });
    const evaluator = createRequirementEvaluator(index, budget);
    const standing = createCandidateStanding(byName, budget);
    const mayAdd = (candidate: Candidate): boolean => !candidate.lookaside && !selected.hasTwinOf(candidate) && acceptsCandidate(candidate);
    if (!request.dependencies) addMultilib();
    const unsatisfied = request.dependencies ? await gatherDependencies({ selected, index, evaluator, standing, read, mayAdd, addMore: addMultilib, budget }) : [];
    if (request.checkDependencies && !request.dependencies) await index.learnPaths(pathsOf(selected.list, read));
    const violations = request.checkDependencies ? findViolations(selected.list, { evaluator, read, isPresent: selected.isPresent, budget }) : [];
    return reportBroken({ unsatisfied, violations, index, read });
  }
};

function createAcceptance({ accepts }: SelectionRequest): (available: AvailablePackage) => boolean {
  if (accepts === undefined) return () => true;
  const answers = new Map<AvailablePackage, boolean>();
  return (available) => {
    const known = answers.get(available) ?? accepts(available);
    answers.set(available, known);
    return known;
  };
}

/** Every name that a requirement or a conflict in the pool can ask for. */
function demandedNames(pool: readonly Candidate[], read: ReadRequirement): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { package: available, lookaside } of pool) {
    if (lookaside) continue;
    for (const list of [available.dependencies.requires, available.dependencies.conflicts]) {
      for (const dependency of list) {
        const expression = dependency.name.startsWith('(') ? read(dependency) : undefined;
        if (expression === undefined) names.add(dependency.name);
        else for (const { name } of leavesOf(expression)) names.add(name);
      }
    }
  }
  return names;
}

function inOrder(packages: readonly AvailablePackage[]): readonly AvailablePackage[] {
  return [...packages].sort((left, right) => compareTexts(left.name, right.name) || compareVersions(left, right) || compareTexts(left.arch, right.arch) || comparePlaces(left, right));
}
