import { invalidFile } from '../invalid-haiku-file.js';

/** `1.2.3~rc1-4`: major, minor, micro, pre-release, revision. */
export interface PackageVersion {
  readonly major: string;
  readonly minor: string;
  /** May have dots of its own. */
  readonly micro: string;
  readonly preRelease: string;
  /** 0: none. */
  readonly revision: number;
}

export function formatVersion({ major, minor, micro, preRelease, revision }: PackageVersion): string {
  const number = [major, minor, micro].filter((part) => part !== '').join('.');
  return `${number}${preRelease === '' ? '' : `~${preRelease}`}${revision === 0 ? '' : `-${revision}`}`;
}

const longestVersion = 1000;
const pattern = /^([A-Za-z0-9_]+)(?:\.([A-Za-z0-9_]+)(?:\.([A-Za-z0-9_][A-Za-z0-9_.]*))?)?(?:~([A-Za-z0-9_.]+))?(?:-([0-9]{1,10}))?$/;

export function isVersion(text: string): boolean {
  return text.length <= longestVersion && pattern.test(text);
}

/** Errors: `source-invalid`. */
export function parseVersion(text: string): PackageVersion {
  const match = text.length <= longestVersion ? pattern.exec(text) : null;
  if (match === null) throw invalidFile(`${JSON.stringify(text.slice(0, 100))} is no version`);
  const [, major = '', minor = '', micro = '', preRelease = '', revision = '0'] = match;
  return { major, minor, micro, preRelease, revision: Number(revision) };
}

/** As Haiku's package kit orders them: part by part in natural order, a pre-release before what it precedes. Negative: `one` is older. */
export function compareVersions(one: PackageVersion, other: PackageVersion): number {
  return compareReleases(one, other) || one.revision - other.revision;
}

/** Without their revisions: what requirements without a revision mean. */
export function compareReleases(one: PackageVersion, other: PackageVersion): number {
  return (
    compareNaturally(one.major, other.major) ||
    compareNaturally(one.minor, other.minor) ||
    compareNaturally(one.micro, other.micro) ||
    comparePreReleases(one.preRelease, other.preRelease)
  );
}

function comparePreReleases(one: string, other: string): number {
  if (one === '' || other === '') return one === other ? 0 : one === '' ? 1 : -1;
  return compareNaturally(one, other);
}

/** Runs of digits by their value, all else by its letters whatever their case. */
function compareNaturally(one: string, other: string): number {
  const [left, right] = [runsOf(one), runsOf(other)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareRuns(left[index] ?? '', right[index] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function runsOf(text: string): readonly string[] {
  return text.match(/[0-9]+|[^0-9]+/g) ?? [];
}

function compareRuns(one: string, other: string): number {
  if (isDigits(one) && isDigits(other)) return compareDigits(one, other);
  const [left, right] = [one.toLowerCase(), other.toLowerCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** However many digits they have. */
function compareDigits(one: string, other: string): number {
  const [left, right] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')];
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}

function isDigits(run: string): boolean {
  return /^[0-9]/.test(run);
}
