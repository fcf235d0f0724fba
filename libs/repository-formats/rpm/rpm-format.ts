import { compareVersions, parseVersion } from '../../rpm/version.js';
import type { PackageFormat } from '../package-format.js';
import { inspectPackage } from './inspect-package.js';
import { obsoletePathOf, pathOfFile } from './package-place.js';
import { relationsOf, satisfies } from './package-relations.js';
import { writeRpmIndex } from './write-index.js';

/** Repositories for dnf: rpm-md. */
export const rpmFormat: PackageFormat = {
  kind: 'rpm',
  inspect: inspectPackage,
  pathOf: ({ key }) => pathOfFile(key),
  obsoletePathOf,
  compareVersions: (one, other) => compareVersions(parseVersion(one), parseVersion(other)),
  writeIndex: writeRpmIndex,
  relations: relationsOf,
  satisfies,
};
