import { createHash } from 'node:crypto';
import type { Dependency, DependencyKind } from '../../libs/rpm/dependency.js';
import type { AvailablePackage } from '../../libs/rpm/repository/available-package.js';

/** Metadata of so many packages, shaped like a distribution's: libraries that provide symbol versions, programs that require some, versions, rich dependencies, paths. The same each time. */
export function synthesizePackages(count: number): readonly AvailablePackage[] {
  const random = createRandom(7);
  return Array.from({ length: count }, (_, index) => synthesizePackage(index, random));
}

function synthesizePackage(index: number, random: (below: number) => number): AvailablePackage {
  const name = `package-${index}`;
  const [version, release] = [`${1 + (index % 7)}.${index % 13}`, '1.fc40'];
  const own = { epoch: 0, version, release };
  // Earlier packages only, mostly the first: few are required by many.
  const required = Array.from({ length: Math.min(index, 10) }, () => random(1 + random(index)));
  const requires: Dependency[] = [
    { name: 'rpmlib(CompressedFileNames)', comparison: 'LE', version: { epoch: 0, version: '3.0.4', release: '1' } },
    { name: '/usr/bin/program-0' },
    ...required.flatMap((other): Dependency[] => [{ name: `lib${other}.so.1()(64bit)` }, { name: `lib${other}.so.1(V_${other % 3})(64bit)` }]),
    ...required.slice(0, 2).map((other): Dependency => ({ name: `package-${other}`, comparison: 'GE', version: { epoch: 0, version: '1.0' } })),
    ...(index % 10 === 9 ? [{ name: `(package-${required[0]} if package-${required[1]})` }, { name: `(package-${required[2]} or package-${required[3]})` }] : []),
  ];
  const provides: Dependency[] = [
    { name, comparison: 'EQ', version: own },
    { name: `${name}(x86-64)`, comparison: 'EQ', version: own },
    { name: `lib${index}.so.1()(64bit)` },
    ...[0, 1, 2].map((symbol): Dependency => ({ name: `lib${index}.so.1(V_${symbol})(64bit)` })),
    { name: `bundled(part-${index % 100})`, comparison: 'EQ', version: { epoch: 0, version: '1' } },
  ];
  const none: Record<DependencyKind, readonly Dependency[]> = { requires: [], provides: [], conflicts: [], obsoletes: [], recommends: [], suggests: [], supplements: [], enhances: [] };
  return {
    name,
    ...own,
    arch: 'x86_64',
    repository: 0,
    location: `https://repository.test/${name}-${version}-${release}.x86_64.rpm`,
    checksum: { algorithm: 'sha256', hex: createHash('sha256').update(name).digest('hex') },
    size: 100_000,
    fileTime: 1_700_000_000,
    sourceRpm: `source-${index >> 1}-${version}-${release}.src.rpm`,
    dependencies: { ...none, requires, provides, conflicts: index % 20 === 0 ? [{ name: `package-${index + 1}`, comparison: 'LT', version: { epoch: 0, version: '0.1' } }] : [] },
    files: [`/usr/bin/program-${index}`, `/etc/${name}.conf`, `/usr/sbin/daemon-${index}`],
  };
}

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
