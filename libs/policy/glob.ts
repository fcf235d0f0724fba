/** More wildcards or a longer pattern than this never match anything, so that matching stays cheap. */
const maximumLength = 2048;
const maximumWildcards = 64;

const enum Kind {
  Literal,
  One,
  Segment,
  Any,
}

interface Token {
  readonly kind: Kind;
  readonly code: number;
}

/**
 * Compiles a glob: `*` is any run of characters without `/`, `**` any run at all (`/**` at the end also nothing, `/**\/` also one `/`), `?` one character
 * other than `/`, `\` takes the next character literally. All else is literal. The whole text must match.
 *
 * It runs as a set of states, one pass over the text and no backtracking: the text is the build's, and with a regular expression a build
 * could stall the proxy for everybody. Time is at most text length times pattern length.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const automaton = compileTokens(tokenise(pattern));
  if (pattern.length > maximumLength || automaton === undefined) return () => false;
  return (text) => matches(automaton, text);
}

/** Whether `compileGlob` takes the pattern: not empty, not too long, not too many wildcards. */
export function isUsableGlob(pattern: string): boolean {
  return pattern !== '' && pattern.length <= maximumLength && compileTokens(tokenise(pattern)) !== undefined;
}

function tokenise(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < pattern.length; index += 1) {
    const character = pattern[index];
    if (character === '*') {
      const double = pattern[index + 1] === '*';
      while (pattern[index + 1] === '*') index += 1;
      tokens.push({ kind: double ? Kind.Any : Kind.Segment, code: 0 });
    } else if (character === '?') {
      tokens.push({ kind: Kind.One, code: 0 });
    } else {
      if (character === '\\' && index + 1 < pattern.length) index += 1;
      tokens.push({ kind: Kind.Literal, code: pattern.charCodeAt(index) });
    }
  }
  return tokens;
}

interface Automaton {
  readonly tokens: readonly Token[];
  /** Per position: other positions that are reached without reading a character. */
  readonly skips: readonly (readonly number[])[];
}

function compileTokens(tokens: readonly Token[]): Automaton | undefined {
  if (tokens.filter((token) => token.kind === Kind.Any || token.kind === Kind.Segment).length > maximumWildcards) return undefined;
  const isSlash = (index: number): boolean => tokens[index]?.kind === Kind.Literal && tokens[index]?.code === 0x2f;
  const skips = tokens.map((token, index) => {
    const targets: number[] = [];
    if (token.kind === Kind.Any || token.kind === Kind.Segment) targets.push(index + 1);
    // `a/**/b` also matches `a/b`: straight to the second slash.
    if (isSlash(index) && tokens[index + 1]?.kind === Kind.Any && isSlash(index + 2)) targets.push(index + 2);
    // `a/**` also matches `a`: over the last slash and the stars.
    if (isSlash(index) && tokens[index + 1]?.kind === Kind.Any && index + 2 === tokens.length) targets.push(index + 2);
    return targets;
  });
  return { tokens, skips };
}

function matches({ tokens, skips }: Automaton, text: string): boolean {
  const end = tokens.length;
  // `mark[state] === step` says that a state is in the set of this step already: cleared by counting on, not by writing.
  const mark = new Int32Array(end + 1).fill(-1);
  let current: number[] = [];
  let next: number[] = [];
  const add = (states: number[], state: number, step: number): void => {
    if (mark[state] === step) return;
    mark[state] = step;
    states.push(state);
    for (const target of skips[state] ?? []) add(states, target, step);
  };
  add(current, 0, 0);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    next.length = 0;
    for (const state of current) {
      const token = tokens[state];
      if (token === undefined) continue;
      if (token.kind === Kind.Literal) {
        if (token.code === code) add(next, state + 1, index + 1);
      } else if (token.kind === Kind.Any) {
        add(next, state, index + 1);
      } else if (code !== 0x2f) {
        add(next, token.kind === Kind.Segment ? state : state + 1, index + 1);
      }
    }
    if (next.length === 0) return false;
    [current, next] = [next, current];
  }
  return current.includes(end);
}
