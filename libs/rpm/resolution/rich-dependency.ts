import { limitExceeded, refusal } from '../../inspection/refusal.js';
import type { Comparison, Dependency } from '../dependency.js';
import { parseVersion } from '../version.js';

/** A boolean dependency, read. `if` and `unless` without an `else` have no `otherwise`. */
export type RichDependency =
  | { readonly kind: 'one'; readonly dependency: Dependency }
  | { readonly kind: 'and' | 'or' | 'with' | 'without'; readonly operands: readonly RichDependency[] }
  | Conditional<'if'>
  | Conditional<'unless'>;

export interface Conditional<Kind extends 'if' | 'unless'> {
  readonly kind: Kind;
  readonly wanted: RichDependency;
  readonly condition: RichDependency;
  readonly otherwise?: RichDependency;
}

/** The longest that packages of distributions have are some hundred characters long and three deep. */
export const richDependencyLimits = { characters: 16_384, depth: 32 };

const operators = ['and', 'or', 'if', 'unless', 'with', 'without', 'else'] as const;
type Operator = (typeof operators)[number];

const comparisons: Readonly<Record<string, Comparison>> = { '<': 'LT', '<=': 'LE', '=<': 'LE', '=': 'EQ', '==': 'EQ', '>=': 'GE', '=>': 'GE', '>': 'GT' };

interface Cursor {
  readonly text: string;
  at: number;
}

/** Reads `(a >= 1 if (b or c) else d)`: the grammar of rpm's manual. Throws a reason for anything else, and for what passes the limits. */
export function parseRichDependency(text: string): RichDependency {
  if (text.length > richDependencyLimits.characters) throw limitExceeded(`a rich dependency has ${text.length} characters, more than ${richDependencyLimits.characters}: ${shortened(text)}`);
  const cursor = { text, at: 0 };
  const parsed = parseGroup(cursor, 1);
  if (cursor.at !== text.length) throw invalid(cursor, 'there is something after its last parenthesis');
  return parsed;
}

function parseGroup(cursor: Cursor, depth: number): RichDependency {
  if (depth > richDependencyLimits.depth) throw limitExceeded(`a rich dependency is more than ${richDependencyLimits.depth} parentheses deep: ${shortened(cursor.text)}`);
  if (cursor.text[cursor.at] !== '(') throw invalid(cursor, 'it does not begin with a parenthesis');
  cursor.at += 1;
  const operands: RichDependency[] = [];
  const found: Operator[] = [];
  for (;;) {
    skipBlanks(cursor);
    operands.push(cursor.text[cursor.at] === '(' ? parseGroup(cursor, depth + 1) : parseOne(cursor));
    skipBlanks(cursor);
    if (cursor.text[cursor.at] === ')') break;
    found.push(parseOperator(cursor));
  }
  cursor.at += 1;
  return combine(cursor, operands, found);
}

function combine(cursor: Cursor, operands: readonly RichDependency[], found: readonly Operator[]): RichDependency {
  const [wanted, condition, otherwise] = operands as [RichDependency, RichDependency, RichDependency];
  const [operator, next] = found;
  if (operator === undefined) return wanted;
  if (operator === 'if' || operator === 'unless') {
    if (next === undefined) return { kind: operator, wanted, condition };
    if (next === 'else' && found.length === 2) return { kind: operator, wanted, condition, otherwise };
    throw invalid(cursor, `after "${operator}" there can be one "else" only`);
  }
  if (operator === 'else') throw invalid(cursor, 'it has an "else" without "if" or "unless"');
  if (found.some((other) => other !== operator)) throw invalid(cursor, 'different operators need parentheses of their own');
  if (operator === 'without' && found.length > 1) throw invalid(cursor, 'several "without" need parentheses of their own');
  return { kind: operator, operands };
}

function parseOperator(cursor: Cursor): Operator {
  const word = takeWord(cursor);
  const operator = operators.find((known) => known === word);
  if (operator === undefined) throw invalid(cursor, word === '' ? 'its last parenthesis is missing' : `${JSON.stringify(word.slice(0, 40))} is no operator`);
  return operator;
}

function parseOne(cursor: Cursor): RichDependency {
  const name = takeWord(cursor);
  if (name === '') throw invalid(cursor, 'a name is missing');
  skipBlanks(cursor);
  const sign = take(cursor, /[<>=]+/y);
  if (sign === '') return { kind: 'one', dependency: { name } };
  const comparison = Object.hasOwn(comparisons, sign) ? comparisons[sign] : undefined;
  if (comparison === undefined) throw invalid(cursor, `${JSON.stringify(sign.slice(0, 40))} compares nothing`);
  skipBlanks(cursor);
  const version = takeWord(cursor);
  if (version === '') throw invalid(cursor, `the version of ${JSON.stringify(name.slice(0, 120))} is missing`);
  return { kind: 'one', dependency: { name, comparison, version: parseVersion(version) } };
}

/** Up to a blank, a comma, or a parenthesis that closes more than the word opened: names have parentheses, `libc.so.6()(64bit)`. */
function takeWord(cursor: Cursor): string {
  const { text, at: start } = cursor;
  let open = 0;
  for (; cursor.at < text.length; cursor.at += 1) {
    const character = text[cursor.at] as string;
    if (isBlank(character)) break;
    if (character === '(') open += 1;
    if (character === ')' && open-- === 0) break;
  }
  return text.slice(start, cursor.at);
}

function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at;
  const [found = ''] = pattern.exec(cursor.text) ?? [];
  cursor.at += found.length;
  return found;
}

function skipBlanks(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && isBlank(cursor.text[cursor.at] as string)) cursor.at += 1;
}

function isBlank(character: string): boolean {
  return character === ' ' || character === ',' || character === '\t' || character === '\n' || character === '\r';
}

function invalid(cursor: Cursor, why: string): Error {
  return refusal(`the rich dependency ${shortened(cursor.text)} is not valid at character ${cursor.at + 1}: ${why}`);
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
