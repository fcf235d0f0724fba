import type { Dependency } from '../dependency.js';
import type { AvailablePackage, FindFileOwners } from '../repository/available-package.js';
import type { Candidate } from './candidate-pool.js';
import { dependenciesOverlap } from './dependency-overlap.js';
import type { WorkBudget } from './work-budget.js';

/** Who provides what, by name, version and path. */
export interface ProviderIndex {
  /** Candidates that satisfy it, each once, in the order of the pool. */
  providers(dependency: Dependency): readonly Candidate[];
  /** Some candidates that provide that name, in any version. */
  namesakes(name: string, most: number): readonly Candidate[];
  /** Looks for paths in the full file lists: the first time for these, then for all that can be asked for, so that there are two searches at most. */
  learnPaths(names: Iterable<string>): Promise<void>;
}

export interface ProviderIndexOptions {
  readonly pool: readonly Candidate[];
  /** Names that can be asked for: nothing else is kept. */
  readonly demanded: ReadonlySet<string>;
  readonly findFileOwners: FindFileOwners;
  readonly budget: WorkBudget;
}

interface Offer {
  readonly candidate: Candidate;
  readonly provided: Dependency;
}

interface Offers {
  readonly list: Offer[];
  /** Answers by comparison and version. */
  readonly answers: Map<string, readonly Candidate[]>;
}

/** The primary metadata lists all of these; others are in the full lists only. */
const inPrimary = /^\/etc\/|bin\/|^\/usr\/lib\/sendmail$/;

export function createProviderIndex({ pool, demanded, findFileOwners, budget }: ProviderIndexOptions): ProviderIndex {
  const byName = new Map<string, Offers>();
  const asked = new Set<string>();
  const add = (candidate: Candidate, provided: Dependency): void => {
    if (!demanded.has(provided.name)) return;
    const offers = byName.get(provided.name);
    if (offers === undefined) byName.set(provided.name, { list: [{ candidate, provided }], answers: new Map() });
    else offers.list.push({ candidate, provided });
  };
  for (const candidate of pool) addOffers(candidate, add);
  const candidateOf = createFinder(pool);

  const providers = (dependency: Dependency): readonly Candidate[] => {
    const offers = byName.get(dependency.name);
    if (offers === undefined) return [];
    const key = answerKey(dependency);
    const known = offers.answers.get(key);
    if (known !== undefined) return known;
    budget.spend(offers.list.length);
    const found = distinct(offers.list.filter(({ provided }) => dependenciesOverlap(dependency, provided)));
    offers.answers.set(key, found);
    return found;
  };

  return {
    providers,
    namesakes: (name, most) => distinct((byName.get(name)?.list ?? []).slice(0, most)),
    learnPaths: async (names) => {
      const unknown = (name: string): boolean => name.startsWith('/') && !inPrimary.test(name) && !asked.has(name);
      let paths = new Set([...names].filter(unknown));
      if (paths.size === 0) return;
      if (asked.size > 0) paths = new Set([...demanded].filter(unknown));
      for (const path of paths) asked.add(path);
      for (const [path, owners] of await findFileOwners(paths)) {
        if (!paths.has(path)) continue;
        for (const candidate of candidateOf(owners)) add(candidate, { name: path });
        const offers = byName.get(path);
        if (offers === undefined) continue;
        offers.list.sort((left, right) => left.candidate.index - right.candidate.index);
        offers.answers.clear();
      }
    },
  };
}

/** What it provides, its own name and version among it, and the paths that the primary metadata lists. */
function addOffers(candidate: Candidate, add: (candidate: Candidate, provided: Dependency) => void): void {
  const { name, epoch, version, release, dependencies, files } = candidate.package;
  add(candidate, { name, comparison: 'EQ', version: { epoch, version, release } });
  for (const provided of dependencies.provides) add(candidate, provided);
  for (const path of files) add(candidate, { name: path });
}

function createFinder(pool: readonly Candidate[]): (packages: readonly AvailablePackage[]) => readonly Candidate[] {
  let places: Map<AvailablePackage, Candidate> | undefined;
  return (packages) => {
    places ??= new Map(pool.map((candidate) => [candidate.package, candidate]));
    return packages.flatMap((available) => places?.get(available) ?? []);
  };
}

/** Offers of one candidate stand side by side. */
function distinct(offers: readonly Offer[]): readonly Candidate[] {
  return offers.filter(({ candidate }, position) => offers[position - 1]?.candidate !== candidate).map(({ candidate }) => candidate);
}

function answerKey({ comparison, version }: Dependency): string {
  return comparison === undefined || version === undefined ? '' : `${comparison} ${version.epoch}:${version.version}-${version.release ?? ' '}`;
}
