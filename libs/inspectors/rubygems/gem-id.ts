/** One file of a release: a gem may have one for each platform. */
export interface GemId {
  readonly name: string;
  readonly version: string;
  /** `ruby` for one that runs everywhere. */
  readonly platform: string;
}

const namePattern = /^[A-Za-z0-9._-]{1,128}$/;
const versionPattern = /^[0-9]{1,20}(?:\.[0-9A-Za-z]{1,64}){0,32}$/;
const platformPattern = /^[A-Za-z0-9._-]{1,128}$/;

export function isGemName(name: string): boolean {
  return namePattern.test(name) && /[A-Za-z0-9]/.test(name);
}

/** Numbers and words between dots; a prerelease has a letter in it. */
export function isGemVersion(version: string): boolean {
  return versionPattern.test(version);
}

export function isGemPlatform(platform: string): boolean {
  return platformPattern.test(platform);
}

/** `name-version`, or `name-version-platform`: what the files of a release are called. */
export function gemFullName({ name, version, platform }: GemId): string {
  return `${name}-${releaseKey(version, platform)}`;
}

/** `version`, or `version-platform`: as the compact index writes it. */
export function releaseKey(version: string, platform: string): string {
  return platform === 'ruby' || platform === '' ? version : `${version}-${platform}`;
}

export function gemPurl(name: string, version = '', platform = 'ruby'): string {
  const release = version === '' ? '' : `@${encodeURIComponent(version)}`;
  return `pkg:gem/${encodeURIComponent(name)}${release}${platform === 'ruby' || platform === '' ? '' : `?platform=${encodeURIComponent(platform)}`}`;
}
