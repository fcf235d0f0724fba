/** Epoch, version and release, as packages and dependencies have them. */
export interface PackageVersion {
  /** 0 when none is told: rpm makes no difference. */
  readonly epoch: number;
  readonly version: string;
  /** Absent in many dependencies. */
  readonly release?: string;
}

type IsPart = (code: number) => boolean;

const isDigit: IsPart = (code) => code >= 0x30 && code <= 0x39;
const isLetter: IsPart = (code) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
const isSeparator: IsPart = (code) => !isDigit(code) && !isLetter(code) && code !== 0x7e && code !== 0x5e;

/**
 * Compares two versions (or two releases) as `rpmvercmp` does: below zero when `left` is older, zero when neither is newer. Segments of digits are
 * compared as numbers, segments of letters as text; a tilde sorts before everything, even the end; a caret after the end, but before any other segment.
 * Source: rpm's manual, rpm-version(7).
 */
export function compareVersionTexts(left: string, right: string): -1 | 0 | 1 {
  if (left === right) return 0;
  let atLeft = 0;
  let atRight = 0;
  for (;;) {
    atLeft = passOver(isSeparator, left, atLeft);
    atRight = passOver(isSeparator, right, atRight);
    const marked = compareMarks(left[atLeft], right[atRight]);
    if (marked === 'both') {
      atLeft += 1;
      atRight += 1;
      continue;
    }
    if (marked !== undefined) return marked;
    if (atLeft === left.length || atRight === right.length) return compareNumbers(left.length - atLeft, right.length - atRight);
    const numeric = isDigit(left.charCodeAt(atLeft));
    const isPart = numeric ? isDigit : isLetter;
    const endLeft = passOver(isPart, left, atLeft);
    const endRight = passOver(isPart, right, atRight);
    // Segments of different kinds: numbers are newer than letters.
    if (endRight === atRight) return numeric ? 1 : -1;
    const compared = compareSegments(left.slice(atLeft, endLeft), right.slice(atRight, endRight), numeric);
    if (compared !== 0) return compared;
    atLeft = endLeft;
    atRight = endRight;
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
  const one = withoutZeros(left);
  const two = withoutZeros(right);
  return one.length === two.length ? compareTexts(one, two) : compareNumbers(one.length, two.length);
}

function withoutZeros(digits: string): string {
  let at = 0;
  while (digits.charCodeAt(at) === 0x30) at += 1;
  return at === 0 ? digits : digits.slice(at);
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

function passOver(isPart: IsPart, text: string, from: number): number {
  let at = from;
  while (at < text.length && isPart(text.charCodeAt(at))) at += 1;
  return at;
}

function compareTexts(left: string, right: string): -1 | 0 | 1 {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function compareNumbers(left: number, right: number): -1 | 0 | 1 {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
