import { createHash } from 'node:crypto';
import { dependencyKinds, type Comparison, type Dependency, type DependencyKind } from '../../dependency.js';
import type { AvailablePackage } from '../../repository/available-package.js';
import { parseVersion } from '../../version.js';
import type { SelectionRequest } from '../selection.js';

export type Parts = Partial<Record<DependencyKind, readonly string[]>> & {
  readonly repository?: number;
  readonly source?: string;
  readonly files?: readonly string[];
};

const signs: Readonly<Record<string, Comparison>> = { '<': 'LT', '<=': 'LE', '=': 'EQ', '>=': 'GE', '>': 'GT' };

/** `foo >= 1:2-3`, `foo`, or a rich dependency. */
export function dependency(text: string): Dependency {
  const parts = text.startsWith('(') ? null : /^(\S+) ([<>=]+) (\S+)$/.exec(text);
  if (parts === null) return { name: text };
  return { name: parts[1] as string, comparison: signs[parts[2] as string], version: parseVersion(parts[3] as string) };
}

/** `bash-1:5.2-1.x86_64`; its source package is of the same version unless told otherwise. */
export function available(label: string, parts: Parts = {}): AvailablePackage {
  const [, name = '', evr = '', arch = ''] = /^(.+)-([^-]+-[^-]+)\.([^.]+)$/.exec(label) ?? [];
  const { epoch, version, release = '' } = parseVersion(evr);
  const { repository = 0, source = name, files = [] } = parts;
  const location = `https://repository-${repository}.test/${label}.rpm`;
  return {
    name,
    epoch,
    version,
    release,
    arch,
    repository,
    location,
    files,
    checksum: { algorithm: 'sha256', hex: createHash('sha256').update(location).digest('hex') },
    size: 1000,
    fileTime: 1_700_000_000,
    sourceRpm: arch === 'src' ? '' : `${source}-${version}-${release}.src.rpm`,
    dependencies: Object.fromEntries(dependencyKinds.map((kind) => [kind, (parts[kind] ?? []).map(dependency)])) as unknown as AvailablePackage['dependencies'],
  };
}

/** A compose of whole repositories for x86_64, unless told otherwise. */
export function request(packages: readonly AvailablePackage[], more: Partial<SelectionRequest> = {}): SelectionRequest {
  return {
    packages,
    lookaside: [],
    arch: 'x86_64',
    useOnlyCompatibleArch: false,
    wanted: [],
    dependencies: false,
    checkDependencies: false,
    multilib: [],
    findFileOwners: async () => new Map(),
    ...more,
  };
}

export function labels(packages: readonly AvailablePackage[]): readonly string[] {
  return packages.map(({ location }) => location.replace(/^.*\/|\.rpm$/g, ''));
}
