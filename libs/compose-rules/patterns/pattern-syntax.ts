import { MillraceError } from '../../errors/millrace-error.js';

/** A tree of an I-Regexp (RFC 9485). */
export type PatternNode =
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly branches: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly of: PatternNode; readonly least: number; readonly most: number };

export interface CharacterSet {
  readonly negated: boolean;
  /** Code points, both ends included. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Each matches one character, such as `\p{Lu}`. */
  readonly categories: readonly RegExp[];
}

const longestPattern = 1000;
const deepest = 30;
const mostRepetitions = 1000;
const special = new Set('()*+.?[\\]{|}');
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', ...Object.fromEntries([...'()*+-.?[\\]^{|}'].map((each) => [each, each])) };
const lineEnds: CharacterSet = { negated: true, ranges: [[0x0a, 0x0a], [0x0d, 0x0d]], categories: [] };

interface Cursor {
  readonly characters: readonly string[];
  at: number;
  depth: number;
}

/** Errors: `invalid-request` with the place of the mistake, from 1. */
export function parsePattern(pattern: string): PatternNode {
  if (pattern.length > longestPattern) throw new MillraceError('invalid-request', `a regular expression is longer than ${longestPattern} characters`);
  const cursor: Cursor = { characters: [...pattern], at: 0, depth: 0 };
  const node = choice(cursor);
  if (cursor.at < cursor.characters.length) throw wrong(cursor, `"${peek(cursor)}" has no beginning`);
  return node;
}

function choice(cursor: Cursor): PatternNode {
  const branches = [sequence(cursor)];
  while (peek(cursor) === '|') {
    cursor.at += 1;
    branches.push(sequence(cursor));
  }
  return branches.length === 1 ? branches[0]! : { kind: 'choice', branches };
}

function sequence(cursor: Cursor): PatternNode {
  const parts: PatternNode[] = [];
  for (let next = peek(cursor); next !== undefined && next !== '|' && next !== ')'; next = peek(cursor)) parts.push(quantified(cursor, atom(cursor)));
  return { kind: 'sequence', parts };
}

function atom(cursor: Cursor): PatternNode {
  const next = take(cursor);
  if (next === '(') return group(cursor);
  if (next === '[') return { kind: 'character', set: bracket(cursor) };
  if (next === '.') return { kind: 'character', set: lineEnds };
  if (next === '\\') return { kind: 'character', set: escaped(cursor) };
  if (special.has(next)) throw wrong(cursor, `"${next}" has nothing before it; write \\${next} for the character itself`);
  return { kind: 'character', set: only(next) };
}

function group(cursor: Cursor): PatternNode {
  cursor.depth += 1;
  if (cursor.depth > deepest) throw wrong(cursor, `more than ${deepest} groups are in one another`);
  const node = choice(cursor);
  if (peek(cursor) !== ')') throw wrong(cursor, 'a group has no end');
  cursor.at += 1;
  cursor.depth -= 1;
  return node;
}

function quantified(cursor: Cursor, of: PatternNode): PatternNode {
  const bounds = quantifier(cursor);
  return bounds === undefined ? of : { kind: 'repeat', of, ...bounds };
}

function quantifier(cursor: Cursor): { least: number; most: number } | undefined {
  const next = peek(cursor);
  if (next !== '*' && next !== '+' && next !== '?' && next !== '{') return undefined;
  cursor.at += 1;
  if (next === '*') return { least: 0, most: Infinity };
  if (next === '+') return { least: 1, most: Infinity };
  if (next === '?') return { least: 0, most: 1 };
  const end = cursor.characters.indexOf('}', cursor.at);
  const match = /^(\d{1,4})(,(\d{1,4})?)?$/.exec(cursor.characters.slice(cursor.at, Math.max(end, cursor.at)).join(''));
  if (match === null) throw wrong(cursor, 'a number of repetitions is {2}, {2,} or {2,5}');
  cursor.at = end + 1;
  const least = Number(match[1]);
  const most = match[2] === undefined ? least : match[3] === undefined ? Infinity : Number(match[3]);
  if (most < least || least > mostRepetitions || (most !== Infinity && most > mostRepetitions)) throw wrong(cursor, `repetitions go from the lower to the higher number, up to ${mostRepetitions}`);
  return { least, most };
}

function bracket(cursor: Cursor): CharacterSet {
  const negated = peek(cursor) === '^';
  if (negated) cursor.at += 1;
  const ranges: (readonly [number, number])[] = [];
  const categories: RegExp[] = [];
  for (let first = true; peek(cursor) !== ']' || first; first = false) {
    const item = bracketItem(cursor, first);
    ranges.push(...item.ranges);
    categories.push(...item.categories);
  }
  cursor.at += 1;
  return { negated, ranges, categories };
}

function bracketItem(cursor: Cursor, first: boolean): Pick<CharacterSet, 'ranges' | 'categories'> {
  const from = bracketCharacter(cursor, first);
  if (typeof from !== 'string') return from;
  if (peek(cursor) !== '-' || cursor.characters[cursor.at + 1] === ']' || from === '-') return only(from);
  cursor.at += 1;
  const to = bracketCharacter(cursor, false);
  if (typeof to !== 'string' || codeOf(to) < codeOf(from)) throw wrong(cursor, 'a range in brackets goes from the lower to the higher character');
  return { ranges: [[codeOf(from), codeOf(to)]], categories: [] };
}

function bracketCharacter(cursor: Cursor, first: boolean): string | CharacterSet {
  const next = take(cursor);
  if (next === '\\') {
    const set = escaped(cursor);
    return set.categories.length > 0 ? set : String.fromCodePoint(set.ranges[0]![0]);
  }
  if (next === '[' || next === ']') throw wrong(cursor, `write \\${next} for the character itself in brackets`);
  if (next === '-' && !first && peek(cursor) !== ']') throw wrong(cursor, '"-" in brackets is first, last, or between two characters');
  return next;
}

function escaped(cursor: Cursor): CharacterSet {
  const next = take(cursor);
  if (next === 'p' || next === 'P') return category(cursor, next);
  const character = Object.hasOwn(escapes, next) ? escapes[next] : undefined;
  if (character === undefined) throw wrong(cursor, `\\${next} means nothing; there are \\n, \\r, \\t, \\p{…} and \\P{…}; write [0-9] for a digit`);
  return only(character);
}

function category(cursor: Cursor, kind: 'p' | 'P'): CharacterSet {
  const rest = cursor.characters.slice(cursor.at, cursor.at + 5).join('');
  const match = /^\{((?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]?|S[ckmo]?|C[cfno]?))\}/.exec(rest);
  if (match === null) throw wrong(cursor, `\\${kind} is followed by a category of characters, such as \\${kind}{Lu}`);
  cursor.at += [...match[0]].length;
  return { negated: false, ranges: [], categories: [new RegExp(`^\\${kind}{${match[1]}}$`, 'u')] };
}

function only(character: string): CharacterSet {
  return { negated: false, ranges: [[codeOf(character), codeOf(character)]], categories: [] };
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function peek({ characters, at }: Cursor): string | undefined {
  return characters[at];
}

function take(cursor: Cursor): string {
  const next = cursor.characters[cursor.at];
  if (next === undefined) throw wrong(cursor, 'it ends too early');
  cursor.at += 1;
  return next;
}

function wrong({ characters, at }: Cursor, what: string): MillraceError {
  return new MillraceError('invalid-request', `the regular expression "${characters.join('').slice(0, 100)}" is wrong at character ${Math.min(at + 1, characters.length)}: ${what}`, {
    suggestion: 'Regular expressions of rules are I-Regexps (RFC 9485), for the whole text.',
  });
}
