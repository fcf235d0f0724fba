import { LRUCache } from 'lru-cache';
import { MillraceError } from '../../errors/millrace-error.js';
import { parsePattern, type CharacterSet, type PatternNode } from './pattern-syntax.js';

/** Steps that are left; whoever evaluates a rule has one for all its regular expressions. */
export interface StepBudget {
  left: number;
}

export interface LinearPattern {
  /** Whether the whole text (or, for `search`, a part of it) is what the pattern describes. Errors: `invalid-request` when the budget is used up. */
  test(text: string, how: 'match' | 'search', budget: StepBudget): boolean;
}

type Instruction = { readonly set: CharacterSet } | { readonly jump: readonly number[] } | 'accept';

/** `parts`: of the pattern that were written out, empty ones, too. */
type Program = Instruction[] & { parts: number };

const mostInstructions = 2000;
const compiled = new LRUCache<string, LinearPattern>({ max: 500 });

/**
 * Patterns of rules meet texts of strangers: this walks over a text once with all states at the same time (Thompson), so no pattern can make it take more than
 * length × size of the pattern. Errors: `invalid-request`.
 */
export function compilePattern(pattern: string): LinearPattern {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const program: Program = Object.assign([], { parts: 0 });
  emit(program, parsePattern(pattern));
  program.push('accept');
  const made: LinearPattern = { test: (text, how, budget) => run(program, text, { anchored: how === 'match', budget }) };
  compiled.set(pattern, made);
  return made;
}

function emit(program: Program, node: PatternNode): void {
  program.parts += 1;
  if (Math.max(program.length, program.parts) > mostInstructions) throw new MillraceError('invalid-request', `a regular expression with its repetitions written out has more than ${mostInstructions} steps`);
  if (node.kind === 'character') program.push({ set: node.set });
  else if (node.kind === 'sequence') for (const part of node.parts) emit(program, part);
  else if (node.kind === 'choice') emitChoice(program, node.branches);
  else emitRepeat(program, node);
}

function emitChoice(program: Program, branches: readonly PatternNode[]): void {
  const fork = program.push({ jump: [] }) - 1;
  const starts: number[] = [];
  const ends: number[] = [];
  for (const branch of branches) {
    starts.push(program.length);
    emit(program, branch);
    ends.push(program.push({ jump: [] }) - 1);
  }
  program[fork] = { jump: starts };
  for (const end of ends) program[end] = { jump: [program.length] };
}

function emitRepeat(program: Program, { of, least, most }: Extract<PatternNode, { kind: 'repeat' }>): void {
  for (let count = 0; count < least; count += 1) emit(program, of);
  if (most === Infinity) {
    const fork = program.push({ jump: [] }) - 1;
    emit(program, of);
    program.push({ jump: [fork] });
    program[fork] = { jump: [fork + 1, program.length] };
    return;
  }
  const forks: number[] = [];
  for (let count = least; count < most; count += 1) {
    forks.push(program.push({ jump: [] }) - 1);
    emit(program, of);
  }
  for (const fork of forks) program[fork] = { jump: [fork + 1, program.length] };
}

interface Run {
  readonly anchored: boolean;
  readonly budget: StepBudget;
}

function run(program: readonly Instruction[], text: string, { anchored, budget }: Run): boolean {
  let states = new Set<number>();
  reach(program, states, 0, budget);
  for (const character of text) {
    if (!anchored && accepts(program, states)) return true;
    const next = new Set<number>();
    const code = character.codePointAt(0) ?? 0;
    for (const state of states) {
      const instruction = program[state]!;
      if (typeof instruction === 'object' && 'set' in instruction && holds(instruction.set, code, character)) reach(program, next, state + 1, budget);
    }
    if (!anchored) reach(program, next, 0, budget);
    else if (next.size === 0) return false;
    states = next;
    spend(budget, states.size + 1);
  }
  return accepts(program, states);
}

/** Adds a state, and all that can be reached from it without a character. */
function reach(program: readonly Instruction[], states: Set<number>, first: number, budget: StepBudget): void {
  const open = [first];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (states.has(state)) continue;
    states.add(state);
    spend(budget, 1);
    const instruction = program[state]!;
    if (typeof instruction === 'object' && 'jump' in instruction) open.push(...instruction.jump);
  }
}

function spend(budget: StepBudget, steps: number): void {
  budget.left -= steps;
  if (budget.left < 0) throw new MillraceError('invalid-request', 'the regular expressions of the rule take too long with this message');
}

function accepts(program: readonly Instruction[], states: ReadonlySet<number>): boolean {
  return states.has(program.length - 1);
}

function holds({ negated, ranges, categories }: CharacterSet, code: number, character: string): boolean {
  const inside = ranges.some(([from, to]) => from <= code && code <= to) || categories.some((category) => category.test(character));
  return inside !== negated;
}
