import type { AvailablePackage } from '../repository/available-package.js';
import { comparePlaces, type Candidate } from './candidate-pool.js';
import { packageLabel } from './dependency-text.js';

/** What came out of one source package. */
interface Built {
  native: boolean;
  secondary: boolean;
  noarch: boolean;
  /** Of the first of them. */
  readonly repository: number;
}

/** Debugging information of what was selected: of the same source package and the same word size. With packages of `noarch` only, what is `noarch` itself. */
export function findDebuginfo(selected: readonly Candidate[], debugPool: readonly Candidate[], accepts: (candidate: Candidate) => boolean): readonly Candidate[] {
  const built = builtOf(selected);
  return firstOfEach(debugPool.filter((candidate) => fits(candidate, built.get(candidate.package.sourceRpm)) && accepts(candidate)));
}

/** The source packages of what was selected: of the repository of its binary package if they are there, else of the earliest. */
export function findSources(selected: readonly Candidate[], sources: readonly AvailablePackage[], accepts: (available: AvailablePackage) => boolean): readonly AvailablePackage[] {
  const byFileName = new Map<string, AvailablePackage[]>();
  for (const source of sources) {
    const fileName = sourceFileName(source);
    byFileName.set(fileName, [...(byFileName.get(fileName) ?? []), source]);
  }
  return [...builtOf(selected)].flatMap(([sourceRpm, { repository }]) => {
    const preferred = (source: AvailablePackage): number => (source.repository === repository ? 0 : 1);
    const candidates = [...(byFileName.get(sourceRpm) ?? [])].sort((left, right) => preferred(left) - preferred(right) || comparePlaces(left, right));
    return candidates.find(accepts) ?? [];
  });
}

/** Every source package; of equal ones, the first that is accepted. */
export function allSources(sources: readonly AvailablePackage[], accepts: (available: AvailablePackage) => boolean): readonly AvailablePackage[] {
  const chosen = new Map<string, AvailablePackage>();
  for (const source of [...sources].sort(comparePlaces)) {
    const label = packageLabel(source);
    if (!chosen.has(label) && accepts(source)) chosen.set(label, source);
  }
  return [...chosen.values()];
}

function builtOf(selected: readonly Candidate[]): ReadonlyMap<string, Built> {
  const built = new Map<string, Built>();
  for (const candidate of selected) {
    const { sourceRpm, arch, repository } = candidate.package;
    if (sourceRpm === '') continue;
    const entry = built.get(sourceRpm) ?? { native: false, secondary: false, noarch: false, repository };
    built.set(sourceRpm, entry);
    entry[arch === 'noarch' ? 'noarch' : candidate.secondary ? 'secondary' : 'native'] = true;
  }
  return built;
}

function fits(candidate: Candidate, built: Built | undefined): boolean {
  if (built === undefined) return false;
  if (candidate.package.arch === 'noarch') return built.native || built.secondary || built.noarch;
  return candidate.secondary ? built.secondary : built.native;
}

function firstOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...new Map([...candidates].reverse().map((candidate) => [packageLabel(candidate.package), candidate])).values()];
}

function sourceFileName({ name, version, release, arch }: AvailablePackage): string {
  return `${name}-${version}-${release}.${arch}.rpm`;
}
