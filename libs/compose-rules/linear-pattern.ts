import { RE2JS } from 're2js';
import { LRUCache } from 'lru-cache';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';

/** Steps that are left; whoever evaluates a rule has one for all its regular expressions. */
export interface StepBudget {
  left: number;
}

export interface LinearPattern {
  /** Whether the whole text (or, for `search`, a part of it) is what the pattern describes. Errors: `invalid-request` when the budget is used up. */
  test(text: string, how: 'match' | 'search', budget: StepBudget): boolean;
}

const longestPattern = 1000;
/** Instructions. */
const largestProgram = 2000;
const compiled = new LRUCache<string, LinearPattern>({ max: 500 });

/**
 * Patterns of rules meet texts of strangers: RE2 walks over a text once, so no pattern can make it take more than length × size of the pattern, which is what
 * a test takes of the budget. Errors: `invalid-request`.
 */
export function compilePattern(pattern: string): LinearPattern {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > longestPattern) throw new MillraceError('invalid-request', `a regular expression is longer than ${longestPattern} characters`);
  const expression = parse(pattern);
  const size = expression.programSize();
  if (size > largestProgram) throw new MillraceError('invalid-request', `the regular expression ${pattern} has, with its repetitions written out, more than ${largestProgram} steps`);
  const made: LinearPattern = {
    test(text, how, budget) {
      budget.left -= (text.length + 1) * size;
      if (budget.left < 0) throw new MillraceError('invalid-request', 'the regular expressions of the rule take too long with this message');
      return how === 'match' ? expression.testExact(text) : expression.test(text);
    },
  };
  compiled.set(pattern, made);
  return made;
}

function parse(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    throw new MillraceError('invalid-request', `the regular expression ${pattern} cannot be read: ${errorMessage(error)}`, { cause: error, suggestion: 'Write it as RE2 has them, without what looks ahead, behind or back.' });
  }
}
