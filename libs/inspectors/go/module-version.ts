const numbers = String.raw`v(?:0|[1-9]\d{0,19})\.(?:0|[1-9]\d{0,19})\.(?:0|[1-9]\d{0,19})`;
const canonicalPattern = new RegExp(String.raw`^${numbers}(?:-[0-9A-Za-z.-]+)?(?:\+incompatible)?$`);
const semanticPattern = new RegExp(String.raw`^${numbers}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$`);

/** A version that names one release for ever: a tag or a pseudo-version, with at most `+incompatible` as its build part. */
export function isCanonicalVersion(version: string): boolean {
  return version.length <= 256 && canonicalPattern.test(version);
}

/** What a list of versions may hold: tags with a build part as well, which `go` passes over. */
export function isSemanticVersion(version: string): boolean {
  return version.length <= 256 && semanticPattern.test(version);
}

/** Whether two versions are of one release: `+incompatible` only says that the module has no go.mod of that major version. */
export function sameRelease(one: string, other: string): boolean {
  return withoutSuffix(one) === withoutSuffix(other);
}

function withoutSuffix(version: string): string {
  return version.endsWith('+incompatible') ? version.slice(0, -'+incompatible'.length) : version;
}
