import type { Comparison, Dependency } from '../dependency.js';
import type { PackageIdentity } from '../package/package-details.js';
import { formatVersion } from '../version.js';

const signs: Readonly<Record<Comparison, string>> = { LT: '<', LE: '<=', EQ: '=', GE: '>=', GT: '>' };

/** As rpm writes it: `foo >= 1:2-3`. */
export function formatDependency({ name, comparison, version }: Dependency): string {
  return comparison === undefined || version === undefined ? name : `${name} ${signs[comparison]} ${formatVersion(version)}`;
}

/** `bash-5.2-1.x86_64`; an epoch stands before the version, as in dnf's output. */
export function packageLabel(identity: PackageIdentity): string {
  return `${identity.name}-${formatVersion(identity)}.${identity.arch}`;
}
