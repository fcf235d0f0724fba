/** Epoch, version and release, as packages and dependencies have them. */
export interface PackageVersion {
  /** 0 when none is told: rpm makes no difference. */
  readonly epoch: number;
  readonly version: string;
  /** Absent in many dependencies. */
  readonly release?: string;
}

const separators = /[^A-Za-z0-9~^]*/y;
const digits = /[0-9]*/y;
const letters = /[A-Za-z]*/y;

/**
 * Compares two versions (or two releases) as `rpmvercmp` does: below zero when `left` is older, zero when neither is newer. Segments of digits are
 * compared as numbers, segments of letters as text; a tilde sorts before everything, even the end; a caret after the end, but before any other segment.
 * Source: rpm's manual, rpm-version(7).
 */
export function compareVersionTexts(left: string, right: string): -1 | 0 | 1 {
  let [atLeft, atRight] = [0, 0];
  for (;;) {
    atLeft = passOver(separators, left, atLeft);
    atRight = passOver(separators, right, atRight);
    const marked = compareMarks(left[atLeft], right[atRight]);
    if (marked === 'both') {
      atLeft += 1;
      atRight += 1;
      continue;
    }
    if (marked !== undefined) return marked;
    if (atLeft === left.length || atRight === right.length) return compareNumbers(left.length - atLeft, right.length - atRight);
    const kind = isDigit(left[atLeft] as string) ? digits : letters;
    const [endLeft, endRight] = [passOver(kind, left, atLeft), passOver(kind, right, atRight)];
    // Segments of different kinds: numbers are newer than letters.
    if (endRight === atRight) return kind === digits ? 1 : -1;
    const compared = compareSegments(left.slice(atLeft, endLeft), right.slice(atRight, endRight), kind === digits);
    if (compared !== 0) return compared;
    [atLeft, atRight] = [endLeft, endRight];
  }
}

/** What a tilde or a caret decides; `both`: the same mark on both sides; undefined: no mark on either. */
function compareMarks(left: string | undefined, right: string | undefined): -1 | 1 | 'both' | undefined {
  if (left === '~' || right === '~') {
    if (left !== '~') return 1;
    return right === '~' ? 'both' : -1;
  }
  if (left !== '^' && right !== '^') return undefined;
  if (left === undefined) return -1;
  if (right === undefined) return 1;
  if (left !== '^') return 1;
  return right === '^' ? 'both' : -1;
}

function compareSegments(left: string, right: string, numeric: boolean): -1 | 0 | 1 {
  if (!numeric) return compareTexts(left, right);
  // Not as numbers of the language: segments are as long as they please.
  const [one, two] = [left.replace(/^0+/, ''), right.replace(/^0+/, '')];
  return one.length === two.length ? compareTexts(one, two) : compareNumbers(one.length, two.length);
}

/** Compares epoch, version and release; releases only when both have one, as in rpm's dependencies. */
export function compareVersions(left: PackageVersion, right: PackageVersion): -1 | 0 | 1 {
  const byVersion = compareNumbers(left.epoch, right.epoch) || compareVersionTexts(left.version, right.version);
  if (byVersion !== 0 || left.release === undefined || right.release === undefined) return byVersion;
  return compareVersionTexts(left.release, right.release);
}

/** Reads `[epoch:]version[-release]`. What stands before a colon and is no number counts as part of the version. */
export function parseVersion(text: string): PackageVersion {
  const parts = /^(?:(\d{0,10}):)?([^]*?)(?:-([^-]*))?$/.exec(text);
  const version = { epoch: Number(parts?.[1] ?? 0), version: parts?.[2] ?? text };
  return parts?.[3] === undefined ? version : { ...version, release: parts[3] };
}

/** `[epoch:]version[-release]`, an epoch of 0 left out. */
export function formatVersion({ epoch, version, release }: PackageVersion): string {
  return `${epoch === 0 ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
}

function passOver(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  pattern.exec(text);
  return Math.max(from, pattern.lastIndex);
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function compareTexts(left: string, right: string): -1 | 0 | 1 {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function compareNumbers(left: number, right: number): -1 | 0 | 1 {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
