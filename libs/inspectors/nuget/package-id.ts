/** A release of a package. Ids are compared without regard to case. */
export interface PackageId {
  readonly id: string;
  /** Normalised, see `normaliseVersion`. */
  readonly version: string;
}

const idPattern = /^[A-Za-z0-9_]+(?:[._-][A-Za-z0-9_]+)*$/;
const versionPattern = /^(\d{1,10})(?:\.(\d{1,10}))?(?:\.(\d{1,10}))?(?:\.(\d{1,10}))?(-[0-9A-Za-z.-]{1,128})?(?:\+[0-9A-Za-z.-]{1,128})?$/;

export function isPackageId(id: string): boolean {
  return id.length <= 100 && idPattern.test(id);
}

/**
 * The one form of a version: three numbers without leading zeros, a fourth only when it is not zero, the pre-release label in lower case,
 * no build metadata (https://learn.microsoft.com/nuget/concepts/package-versioning#normalized-version-numbers). Undefined when it is none.
 */
export function normaliseVersion(version: string): string | undefined {
  const parts = versionPattern.exec(version.trim());
  if (parts === null) return undefined;
  const numbers = parts.slice(1, 5).map((part: string | undefined) => Number(part ?? '0'));
  const shown = numbers[3] === 0 ? numbers.slice(0, 3) : numbers;
  return shown.join('.') + (parts[5] ?? '').toLowerCase();
}

export function nugetPurl({ id, version }: PackageId): string {
  return `pkg:nuget/${id}${version === '' ? '' : `@${encodeURIComponent(version)}`}`;
}
