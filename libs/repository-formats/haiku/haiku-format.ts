import { compareVersions, parseVersion } from '../../haiku/package/version.js';
import type { PackageFormat } from '../package-format.js';
import { inspectPackage } from './inspect-package.js';
import { relationsOf, satisfies } from './relations.js';
import { writeHaikuIndex } from './write-index.js';

/** HPKG packages and an HPKR repository file, as HaikuPorter publishes them. */
export const haikuFormat: PackageFormat = {
  kind: 'haiku',
  inspect: inspectPackage,
  pathOf: ({ key }) => `packages/${key}`,
  obsoletePathOf: (path) => path.replace(/[^/]*$/, '.obsolete/$&'),
  compareVersions: (one, other) => compareVersions(parseVersion(one), parseVersion(other)),
  writeIndex: writeHaikuIndex,
  relations: relationsOf,
  satisfies,
};
