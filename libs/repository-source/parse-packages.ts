import { limitExceeded, refusal } from '../inspection/refusal.js';
import { dependencyKinds, type Dependency, type DependencyKind } from '../rpm/dependency.js';
import { readPrimary, type ListedPackage, type PackageDetails } from '../rpm/metadata/primary.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import type { SourceLimits } from './source-limits.js';

/** What primary metadata say of a package, wherever the repository is. */
export type ParsedPackage = Omit<AvailablePackage, 'repository' | 'location'> & Pick<ListedPackage, 'href' | 'base'>;

export interface ParseOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (() => void) | undefined;
  readonly limits: Pick<SourceLimits, 'packages' | 'entries'>;
}

/** Reads primary metadata as a whole. Equal dependencies become one object, which saves most of the memory. Throws a reason for whatever is unsound. */
export async function parsePackages(chunks: AsyncIterable<Buffer>, { signal, onProgress, limits }: ParseOptions): Promise<ParsedPackage[]> {
  const packages: ParsedPackage[] = [];
  const share = createSharing();
  let announced: number | undefined;
  let entries = 0;
  for await (const listed of readPrimary(chunks, { signal, onCount: (count) => (announced = count) })) {
    if (packages.length === limits.packages) throw limitExceeded(`the repository has more than ${limits.packages} packages`);
    const parsed = asParsed(listed, share);
    entries += parsed.files.length + dependencyKinds.reduce((sum, kind) => sum + parsed.dependencies[kind].length, 0);
    if (entries > limits.entries) throw limitExceeded(`the packages of the repository have more than ${limits.entries} dependencies and files`);
    packages.push(parsed);
    if (packages.length % 64 === 0) onProgress?.();
  }
  if (announced !== undefined && announced !== packages.length) throw refusal(`the primary metadata announces ${announced} packages, but lists ${packages.length}`);
  return packages;
}

function asParsed(listed: ListedPackage & PackageDetails, share: Sharing): ParsedPackage {
  const { name, epoch, version, release, arch, sourceRpm } = listed;
  if (![name, version, release, arch].every((part) => /^[!-.0-~]+$/.test(part))) throw refusal(`the package ${JSON.stringify(name.slice(0, 120))} has a name, version, release or architecture that no package can have`);
  if (sourceRpm !== '' && !/^[!-.0-~]{1,1024}$/.test(sourceRpm)) throw refusal(`the package ${name} names a source package that no file can be named`);
  return {
    name,
    epoch,
    version,
    release,
    arch,
    checksum: listed.checksum,
    href: listed.href,
    ...(listed.base === undefined ? {} : { base: listed.base }),
    size: listed.size ?? 0,
    fileTime: listed.fileTime ?? 0,
    sourceRpm,
    dependencies: share.dependencies(listed.dependencies),
    files: listed.files.length === 0 ? share.nothing : listed.files.map((file) => file.path),
  };
}

interface Sharing {
  readonly nothing: readonly never[];
  dependencies(all: AvailablePackage['dependencies']): AvailablePackage['dependencies'];
}

function createSharing(): Sharing {
  const known = new Map<string, Dependency>();
  const nothing: readonly never[] = [];
  const one = (dependency: Dependency): Dependency => {
    const { name, comparison, version, before } = dependency;
    const key = `${name}\0${comparison ?? ''}\0${version?.epoch ?? ''}\0${version?.version ?? ''}\0${version?.release ?? ''}\0${before === true ? 1 : 0}`;
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    known.set(key, dependency);
    return dependency;
  };
  return {
    nothing,
    dependencies: (all) => Object.fromEntries(dependencyKinds.map((kind) => [kind, all[kind].length === 0 ? nothing : all[kind].map(one)])) as unknown as Record<DependencyKind, readonly Dependency[]>,
  };
}
