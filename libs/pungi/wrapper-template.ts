import { readFile } from 'node:fs/promises';
import { Liquid } from 'liquidjs';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';

/** Characters. */
const longestTemplate = 1024 * 1024;
const longestResult = 4 * longestTemplate;
const renderTime = 2000;

const liquid = new Liquid({ strictFilters: true, strictVariables: true, ownPropertyOnly: true, parseLimit: longestTemplate, renderLimit: renderTime, memoryLimit: longestResult, outputEscape: plainText, globals: {}, partials: [], templates: {} });
liquid.registerFilter('literal', { handler: literal, raw: true });

/**
 * A template of configuration, with `compose` as clients see it. Who asks for a compose chooses its values: what could end a string of Python is refused unless it goes
 * through the filter `literal`, which quotes it. Errors: `invalid-setting` for a template that cannot be rendered, `invalid-request` for such a value.
 */
export async function renderWrapper(file: string, compose: object): Promise<string> {
  const template = await readTemplate(file);
  try {
    return String(await liquid.parseAndRender(template, { compose }));
  } catch (error) {
    const cause = (error as { originalError?: unknown }).originalError;
    if (cause instanceof HarmfulValue) throw new MillraceError('invalid-request', `the wrapper configuration would be given ${JSON.stringify(cause.value.slice(0, 200))} without quoting it`, { cause: error, suggestion: 'Ask without it, or let the operator write {{ … | literal }} in the wrapper configuration.' });
    throw new MillraceError('invalid-setting', `the wrapper configuration ${file} cannot be rendered: ${errorMessage(error)}`, { cause: error });
  }
}

async function readTemplate(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `cannot read the wrapper configuration ${file}: ${errorMessage(cause)}`, { cause });
  }
}

class HarmfulValue extends Error {
  constructor(readonly value: string) {
    super('a value would have to be quoted');
  }
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
  if (/["'\\\p{Cc}\u2028\u2029]/u.test(text)) throw new HarmfulValue(text);
  return text;
}

/** As Python writes it. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object') return `{${Object.entries(value).map(([key, item]) => `${literal(key)}: ${literal(item)}`).join(', ')}}`;
  // Escapes of JSON are escapes of Python; what is beyond its plane has two, which Python would keep apart, so it stays as it is.
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
