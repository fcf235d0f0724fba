/** A release of a crate. */
export interface CrateId {
  /** As its author writes it; registries do not tell upper from lower case. */
  readonly name: string;
  readonly version: string;
}

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/;
const numbers = String.raw`(?:0|[1-9]\d{0,19})\.(?:0|[1-9]\d{0,19})\.(?:0|[1-9]\d{0,19})`;
const versionPattern = new RegExp(String.raw`^${numbers}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$`);

export function isCrateName(name: string): boolean {
  return namePattern.test(name);
}

/** A semantic version, three numbers at least. */
export function isCrateVersion(version: string): boolean {
  return version.length <= 256 && versionPattern.test(version);
}

/** Directories of a crate in an index and in download templates: `1`, `2`, `3/a`, `ab/cd`. */
export function cratePrefix(name: string): string {
  if (name.length <= 2) return String(name.length);
  return name.length === 3 ? `3/${name.slice(0, 1)}` : `${name.slice(0, 2)}/${name.slice(2, 4)}`;
}

export function cratePurl(name: string, version: string): string {
  return `pkg:cargo/${name}${version === '' ? '' : `@${encodeURIComponent(version)}`}`;
}
