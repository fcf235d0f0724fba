/** A version as Debian policy reads it, https://www.debian.org/doc/debian-policy/ch-controlfields.html#version */
export interface DebVersion {
  /** Decimal digits; `0` when none is told. */
  readonly epoch: string;
  readonly upstream: string;
  /** Empty when there is none, which compares like `0`. */
  readonly revision: string;
}

const grammar = /^(?:\d{1,9}:)?[0-9A-Za-z][0-9A-Za-z.+~]*(?:-[0-9A-Za-z.+~]+)*$/;
const longest = 128;

/** Whether packages may have this version. Colons are for the epoch alone: they cannot stand in the name of a file everywhere. */
export function isDebVersion(text: string): boolean {
  return text.length <= longest && grammar.test(text);
}

/** Takes any text apart, as dpkg does: the epoch to the first colon, the revision from the last hyphen. */
export function parseDebVersion(text: string): DebVersion {
  const parts = /^(?:(\d+):)?([^]*)$/.exec(text);
  const rest = parts?.[2] ?? text;
  const hyphen = rest.lastIndexOf('-');
  return { epoch: parts?.[1] ?? '0', upstream: hyphen < 0 ? rest : rest.slice(0, hyphen), revision: hyphen < 0 ? '' : rest.slice(hyphen + 1) };
}

/** Below zero when `one` is older, zero when neither is, as `dpkg --compare-versions` says. */
export function compareDebVersions(one: string, other: string): number {
  if (one === other) return 0;
  const [left, right] = [parseDebVersion(one), parseDebVersion(other)];
  return compareNumbers(left.epoch, right.epoch) || compareParts(left.upstream, right.upstream) || compareParts(left.revision, right.revision);
}

/** In turn what is no digit, then digits, until one of them differs; policy, 5.6.12. */
function compareParts(one: string, other: string): number {
  let [left, right] = [0, 0];
  while (left < one.length || right < other.length) {
    while ((left < one.length && !isDigit(one, left)) || (right < other.length && !isDigit(other, right))) {
      const difference = orderAt(one, left) - orderAt(other, right);
      if (difference !== 0) return difference;
      left += 1;
      right += 1;
    }
    const [endLeft, endRight] = [endOfDigits(one, left), endOfDigits(other, right)];
    const difference = compareNumbers(one.slice(left, endLeft), other.slice(right, endRight));
    if (difference !== 0) return difference;
    [left, right] = [endLeft, endRight];
  }
  return 0;
}

/** A tilde sorts before the end, the end (and digits, which end the part) before letters, letters before all else. */
function orderAt(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (code === 0x7e) return -1;
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) ? code : code + 256;
}

/** Not as numbers of the language: they may have any length. */
function compareNumbers(one: string, other: string): number {
  const [left, right] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')];
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

function endOfDigits(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text, at)) at += 1;
  return at;
}
