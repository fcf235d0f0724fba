import type { PackageIdentity } from '../../rpm/package/package-details.js';

/** Namespaces of package URLs by what vendors call themselves in headers, most special first. */
const distributions: readonly (readonly [RegExp, string])[] = [
  [/^fedora/i, 'fedora'],
  [/^red hat/i, 'redhat'],
  [/^centos/i, 'centos'],
  [/^rocky/i, 'rocky'],
  [/^almalinux/i, 'almalinux'],
  [/^opensuse/i, 'opensuse'],
  [/^suse/i, 'suse'],
  [/^oracle/i, 'oracle'],
  [/^amazon/i, 'amazon'],
  [/^openeuler/i, 'openeuler'],
  [/^mageia/i, 'mageia'],
];

/** `pkg:rpm/fedora/bash@5.2.26-1.fc40?arch=x86_64&epoch=1`, see https://github.com/package-url/purl-spec; the namespace only for known vendors. */
export function rpmPurl({ name, epoch, version, release, arch }: PackageIdentity, vendor: string): string {
  const namespace = distributions.find(([pattern]) => pattern.test(vendor))?.[1];
  const parts = ['pkg:rpm', ...(namespace === undefined ? [] : [namespace]), encodeURIComponent(name)];
  const qualifiers = [`arch=${encodeURIComponent(arch)}`, ...(epoch === 0 ? [] : [`epoch=${epoch}`])];
  return `${parts.join('/')}@${encodeURIComponent(`${version}-${release}`)}?${qualifiers.join('&')}`;
}
