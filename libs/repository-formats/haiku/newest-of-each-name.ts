import { compareVersions, parseVersion } from '../../haiku/package/version.js';
import type { ListedPackage } from '../../repository/listed-package.js';

/** `repo` can have a name once: its newest version, of several architectures the machine's own. In the order of the keys' bytes, whatever order the database has. */
export function newestOfEachName(packages: readonly ListedPackage[]): readonly ListedPackage[] {
  const newest = new Map<string, ListedPackage>();
  for (const item of packages) {
    const other = newest.get(item.name);
    if (other === undefined || isNewer(item, other)) newest.set(item.name, item);
  }
  return [...newest.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
}

function isNewer(one: ListedPackage, other: ListedPackage): boolean {
  const order = compareVersions(parseVersion(one.version), parseVersion(other.version)) || rank(one) - rank(other);
  return order === 0 ? one.key > other.key : order > 0;
}

function rank({ architecture }: ListedPackage): number {
  return architecture === 'source' ? 0 : architecture === 'any' ? 1 : 2;
}
