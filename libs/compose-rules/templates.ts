import { Liquid, Output, type Template } from 'liquidjs';
import { LRUCache } from 'lru-cache';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';

/** What templates see. */
export interface TemplateScope {
  readonly message: { readonly bus: string; readonly id: string; readonly topic: string; readonly body: unknown };
  /** Only of what is asked when the compose is there. */
  readonly compose?: { readonly id: number; readonly pungiComposeId: string | null };
}

/** Without those that know the time, chance, code or markup, or whose cost is not that of their text. */
const filters = new Set([
  ...['append', 'prepend', 'capitalize', 'downcase', 'upcase', 'strip', 'lstrip', 'rstrip', 'replace', 'replace_first', 'replace_last', 'remove', 'remove_first', 'remove_last', 'split', 'slice', 'truncate'],
  ...['abs', 'at_least', 'at_most', 'ceil', 'floor', 'round', 'plus', 'minus', 'times', 'divided_by', 'modulo', 'to_integer'],
  ...['join', 'first', 'last', 'size', 'map', 'where', 'reject', 'find', 'compact', 'concat', 'push', 'uniq', 'sort', 'reverse', 'sum', 'default', 'json', 'url_encode', 'sha256'],
]);
const tags = new Set(['assign', 'capture', 'case', 'comment', 'if', 'unless', 'for', 'break', 'continue', 'echo', 'raw', '#']);

/** Characters; of a template, and of what it makes. */
const longestTemplate = 10_000;
const longestText = 65_536;
const deepest = 8;
/** Milliseconds, and things in memory, of one template. */
const limits = { renderLimit: 200, memoryLimit: 1_000_000, templateLimit: 10_000 };

const engine = createEngine();
const compiled = new LRUCache<string, Template[]>({ max: 1000 });

function createEngine(): Liquid {
  // An empty mapping instead of files: there is nothing to include.
  const liquid = new Liquid({ strictVariables: true, strictFilters: true, lenientIf: true, ownPropertyOnly: true, templates: {}, parseLimit: longestTemplate });
  for (const name of Object.keys(liquid.filters)) if (!filters.has(name)) liquid.unregisterFilter(name);
  for (const name of Object.keys(liquid.tags)) if (!tags.has(name)) delete liquid.tags[name];
  return liquid;
}

/** Refuses a template that could never work. `variables` are the names that it may begin with. Errors: `invalid-request`. */
export function checkTemplate(text: string, variables: readonly string[]): void {
  const template = compile(text);
  const unknown = engine.globalVariablesSync(template).filter((name) => !variables.includes(name));
  if (unknown.length > 0) throw new MillraceError('invalid-request', `the template ${excerpt(text)} uses ${unknown.join(', ')}; it has ${variables.join(', ')}`);
}

/** Errors: `invalid-request`, when the message has not what the template needs. */
export function renderText(text: string, scope: TemplateScope): string {
  const rendered = render(text, scope);
  if (rendered.length > longestText) throw new MillraceError('invalid-request', `the template ${excerpt(text)} makes a text of more than ${longestText} characters`);
  return rendered;
}

/**
 * All texts in it rendered; never keys. One that is a single output and ends in `json`, such as `{{ message.body.arches | json }}`, becomes that value instead of a
 * text. Errors: `invalid-request`.
 */
export function renderValue(value: unknown, scope: TemplateScope, depth = 0): unknown {
  if (depth > deepest) throw new MillraceError('invalid-request', `the request of a rule is more than ${deepest} deep`);
  if (typeof value === 'string') return isValue(value) ? asValue(value, renderText(value, scope)) : renderText(value, scope);
  if (Array.isArray(value)) return value.map((item) => renderValue(item, scope, depth + 1));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renderValue(item, scope, depth + 1)]));
  return value;
}

function isValue(text: string): boolean {
  const template = compile(text);
  const [only] = template;
  return template.length === 1 && only instanceof Output && only.value.filters.at(-1)?.name === 'json';
}

function asValue(text: string, rendered: string): unknown {
  try {
    return JSON.parse(rendered);
  } catch (cause) {
    throw new MillraceError('invalid-request', `the template ${excerpt(text)} makes no value`, { cause });
  }
}

function render(text: string, scope: TemplateScope): string {
  const template = compile(text);
  try {
    return String(engine.renderSync(template, scope, limits));
  } catch (cause) {
    throw failed(text, cause);
  }
}

function compile(text: string): Template[] {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  if (text.length > longestTemplate) throw new MillraceError('invalid-request', `a template is longer than ${longestTemplate} characters`);
  try {
    const template = engine.parse(text);
    compiled.set(text, template);
    return template;
  } catch (cause) {
    throw failed(text, cause);
  }
}

/** Only the first line: the library adds the template with a marker. */
function failed(text: string, cause: unknown): MillraceError {
  const message = errorMessage(cause).split('\n')[0] ?? '';
  return new MillraceError('invalid-request', `the template ${excerpt(text)} does not work: ${message.slice(0, 300)}`, { cause });
}

function excerpt(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}
