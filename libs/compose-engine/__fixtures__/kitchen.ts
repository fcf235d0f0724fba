import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPackages, copyPackages, indexPackages } from './rpm-packages.js';

export interface Kitchen extends Disposable {
  /** Package files without metadata. */
  readonly packages: string;
  /** A repository of some of them. */
  repository(directory: string, wanted?: (name: string) => boolean): string;
}

/** A few packages that need each other; rpmbuild makes them once a spec file. */
export function buildKitchen(): Kitchen {
  const packages = mkdtempSync(path.join(tmpdir(), 'millrace-kitchen-'));
  buildPackages(packages, [
    { name: 'kettle', requires: ['lid >= 2:1.0'], subpackages: { debuginfo: [], devel: ['kettle'] } },
    { name: 'lid', epoch: 2, arch: 'noarch' },
    { name: 'spoon', arch: 'noarch' },
    { name: 'fork', requires: ['napkin'], arch: 'noarch' },
  ]);
  return {
    packages,
    repository(directory, wanted) {
      copyPackages(packages, directory, wanted);
      indexPackages(directory);
      return directory;
    },
    [Symbol.dispose]: () => rmSync(packages, { recursive: true, force: true }),
  };
}
