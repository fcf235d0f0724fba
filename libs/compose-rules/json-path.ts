import { JSONPathEnvironment, FunctionExpressionType, type FilterFunction, type JSONPathNodeList, type JSONPathQuery, type JSONValue } from 'json-p3';
import { LRUCache } from 'lru-cache';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { compilePattern, type StepBudget } from './linear-pattern.js';

const longestPath = 1000;
/** In brackets, multiplied over the segments: each may take the same node again. */
const mostSelections = 16;
const deepestExpression = 20;
/** Nodes of one path that anybody looks at. */
const mostNodes = 10_000;

/** Steps of regular expressions for one evaluation; set anew before each, which is not interrupted by others. */
let budget: StepBudget = { left: 0 };
/** As deep as any message, with room to spare: the library throws where `..` meets more. */
const environment = new JSONPathEnvironment({ strict: true, maxRecursionDepth: 100 });
// The library's own translate to JavaScript's regular expressions, which can take for ever.
environment.functionRegister.set('match', patternFunction('match'));
environment.functionRegister.set('search', patternFunction('search'));

const compiled = new LRUCache<string, JSONPathQuery>({ max: 500 });

/**
 * A JSONPath (RFC 9535) that takes no longer than its length times the size of a message: `..` at most once and not in filters, no filter in a filter, no query
 * from the root in a filter, and regular expressions only as they stand in the rule. Errors: `invalid-request`.
 */
export function compileJsonPath(path: string): JSONPathQuery {
  const known = compiled.get(path);
  if (known !== undefined) return known;
  if (path.length > longestPath) throw new MillraceError('invalid-request', `a JSONPath is longer than ${longestPath} characters`);
  const query = parse(path);
  const reason = costlyPart(query);
  if (reason !== undefined) throw new MillraceError('invalid-request', `the JSONPath ${path} ${reason}`);
  compiled.set(path, query);
  return query;
}

/** Values of the nodes that there are. Errors: `invalid-request`. */
export function findValues(path: string, document: unknown, steps: StepBudget): readonly unknown[] {
  budget = steps;
  const nodes = evaluate(compileJsonPath(path), path, document);
  if (nodes.length > mostNodes) throw new MillraceError('invalid-request', `the JSONPath ${path} finds more than ${mostNodes} values`);
  return nodes.values();
}

function evaluate(query: JSONPathQuery, path: string, document: unknown): JSONPathNodeList {
  try {
    return query.query(document as JSONValue);
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw new MillraceError('invalid-request', `the JSONPath ${path} does not work with the message: ${errorMessage(error)}`, { cause: error });
  }
}

function parse(path: string): JSONPathQuery {
  try {
    return environment.compile(path);
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw new MillraceError('invalid-request', `${path} is no JSONPath: ${errorMessage(error)}`, { cause: error, suggestion: 'JSONPath is RFC 9535: $.tag.name, or $.rpms[?@.arch == "x86_64"].' });
  }
}

function patternFunction(how: 'match' | 'search'): FilterFunction {
  return {
    argTypes: [FunctionExpressionType.ValueType, FunctionExpressionType.ValueType],
    returnType: FunctionExpressionType.LogicalType,
    call: (text: unknown, pattern: unknown) => typeof text === 'string' && typeof pattern === 'string' && compilePattern(pattern).test(text, how, budget),
  };
}

function costlyPart({ segments }: JSONPathQuery): string | undefined {
  let selections = 1;
  let descents = 0;
  for (const segment of segments) {
    if (String(segment).startsWith('..')) descents += 1;
    selections *= Math.max(1, segment.selectors.length);
    for (const selector of segment.selectors) {
      const reason = 'expression' in selector ? costlyExpression(selector.expression, 0) : undefined;
      if (reason !== undefined) return reason;
    }
  }
  if (descents > 1) return 'has ".." more than once';
  if (selections > mostSelections) return `selects the same more than ${mostSelections} times`;
  return undefined;
}

/** Of a filter; expressions of the library are told apart by what they have. */
function costlyExpression(expression: unknown, depth: number): string | undefined {
  if (depth > deepestExpression) return `has expressions more than ${deepestExpression} deep`;
  if (typeof expression !== 'object' || expression === null) return undefined;
  const part = expression as { readonly path?: JSONPathQuery; readonly name?: string; readonly args?: readonly unknown[]; readonly left?: unknown; readonly right?: unknown; readonly expression?: unknown };
  if (part.path !== undefined) return costlyQuery(part.path, (expression as { toString(): string }).toString());
  if (part.args !== undefined && (part.name === 'match' || part.name === 'search')) {
    const pattern = (part.args[1] as { readonly value?: unknown } | undefined)?.value;
    if (typeof pattern !== 'string') return `takes the regular expression of ${part.name}() from the message; write it in the rule`;
    compilePattern(pattern);
  }
  return [...(part.args ?? []), part.left, part.right, part.expression].map((inner) => costlyExpression(inner, depth + 1)).find((reason) => reason !== undefined);
}

function costlyQuery({ segments }: JSONPathQuery, text: string): string | undefined {
  if (!text.startsWith('@')) return 'has a query from the root ($) in a filter; begin it with @';
  if (segments.some((segment) => String(segment).startsWith('..'))) return 'has ".." in a filter';
  if (segments.some(({ selectors }) => selectors.length > 1)) return 'has several selectors in the brackets of a filter';
  if (segments.some(({ selectors }) => selectors.some((selector) => 'expression' in selector))) return 'has a filter in a filter';
  return undefined;
}
