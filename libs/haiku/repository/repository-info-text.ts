import { invalidFile } from '../invalid-haiku-file.js';
import { architectures, type Architecture } from '../package/architectures.js';
import type { RepositoryInfo } from './repository-info.js';

/** Bytes. */
const sizeLimit = 64 * 1024;

/** `repo.info`: a word and its value a line, in the syntax of driver settings. Errors: `source-invalid`. */
export function parseRepositoryInfo(text: string): RepositoryInfo {
  if (text.length > sizeLimit) throw invalidFile(`repo.info is larger than ${sizeLimit} bytes`);
  const values = new Map(text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const [key, value, ...rest] = wordsOf(line);
    if (key === undefined) return [];
    if (value === undefined || rest.length > 0) throw invalidFile(`repo.info has the line ${JSON.stringify(line.slice(0, 100))}; each has a word and its value`);
    return [[key, value]];
  }));
  const needed = (key: string): string => {
    const value = values.get(key);
    if (value === undefined || value === '') throw invalidFile(`repo.info has no ${key}`);
    return value;
  };
  const priority = Number(values.get('priority') ?? '0');
  if (!Number.isInteger(priority) || priority < 0 || priority > 255) throw invalidFile('the priority of repo.info is no number from 0 to 255');
  return {
    name: needed('name'),
    // Older files call it so.
    identifier: values.get('identifier') ?? needed('url'),
    baseUrl: values.get('baseurl') ?? '',
    vendor: needed('vendor'),
    summary: needed('summary'),
    priority,
    architecture: architectureOf(needed('architecture')),
    licenses: [],
  };
}

export function formatRepositoryInfo({ name, vendor, summary, priority, baseUrl, identifier, architecture }: RepositoryInfo): string {
  const lines = [['name', name], ['vendor', vendor], ['summary', summary], ['priority', String(priority)], ...(baseUrl === '' ? [] : [['baseurl', baseUrl]]), ['identifier', identifier], ['architecture', architecture]];
  return lines.map(([key, value = '']) => `${key} ${quoted(value)}\n`).join('');
}

function architectureOf(text: string): Architecture {
  const found = architectures.find((name) => name === text);
  if (found === undefined) throw invalidFile(`repo.info has the unknown architecture ${JSON.stringify(text.slice(0, 40))}; known: ${architectures.join(', ')}`);
  return found;
}

function quoted(text: string): string {
  return /^[^\s"'#;{}\\=]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Up to a comment. Quotes of both kinds hold words together; a backslash stands before what means itself. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:[^\s"'#\\]|\\.)+))/y;
  for (let at = 0; !/^\s*(?:#|$)/.test(line.slice(at)); at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match === null) throw invalidFile(`repo.info has a quote without an end: ${JSON.stringify(line.slice(0, 100))}`);
    words.push((match[1] ?? match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'));
  }
  return words;
}
