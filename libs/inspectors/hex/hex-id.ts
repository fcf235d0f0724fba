/** A release of a package. */
export interface HexId {
  readonly name: string;
  readonly version: string;
}

const namePattern = /^[a-z][a-z0-9_]{0,127}$/;
const versionPattern = /^\d{1,20}\.\d{1,20}\.\d{1,20}(?:[-+][0-9A-Za-z.+-]{1,128})?$/;

export function isHexName(name: string): boolean {
  return namePattern.test(name);
}

/** A semantic version, three numbers at least. */
export function isHexVersion(version: string): boolean {
  return versionPattern.test(version);
}

export function hexPurl(name: string, version = ''): string {
  return `pkg:hex/${name}${version === '' ? '' : `@${encodeURIComponent(version)}`}`;
}
