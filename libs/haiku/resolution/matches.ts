import type { Operator, Provided, Requirement } from '../package/package-info.js';
import { compareReleases, compareVersions, type PackageVersion } from '../package/version.js';

const holds: Readonly<Record<Operator, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>=': (order) => order >= 0,
  '>': (order) => order > 0,
};

/** Whether what is provided meets a requirement of the same name. Something without a version meets no requirement with one. */
export function matches({ version }: Requirement, provided: Provided): boolean {
  if (version === null) return true;
  if (provided.version === null) return false;
  if (provided.compatible !== null && compareWith(provided.compatible, version.than) > 0) return false;
  return holds[version.operator](compareWith(provided.version, version.than));
}

/** A wanted version without a revision means all of its revisions. */
function compareWith(there: PackageVersion, wanted: PackageVersion): number {
  return wanted.revision === 0 ? compareReleases(there, wanted) : compareVersions(there, wanted);
}
