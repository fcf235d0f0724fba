import type { PackageIdentity } from '../package/package-details.js';

const names = /-(?:debuginfo(?:-.*)?|debugsource)$/;

/** Packages of debugging information go by their names: `-debuginfo`, `-debuginfo-common`, `-debugsource`. */
export function isDebugPackage({ name }: Pick<PackageIdentity, 'name'>): boolean {
  return names.test(name);
}
