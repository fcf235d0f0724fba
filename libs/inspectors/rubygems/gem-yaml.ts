import { isMap, isScalar, parseAllDocuments, type Node, type YAMLMap } from 'yaml';
import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** The library takes time that grows with the square of some inputs: it is given no more than this at a time, in characters. */
const parsedLimit = 8 * 1024;
const maxKeys = 256;

/**
 * The top of a YAML document that Ruby wrote, as the text of each key's value. Every key of such a document begins a line, whatever the
 * values are, so that only those that matter need be parsed. Throws the reason for what is not one mapping. `what` names the file.
 */
export function splitGemYaml(bytes: Buffer, what: string): ReadonlyMap<string, string> {
  const blocks = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const [index, line] of decode(bytes, what).split(/\r?\n/).entries()) {
    if (line === '' || /^[ \t#-](?!--)/.test(line)) {
      // What belongs to the key before it: lists stand below their key without an indent.
      if (current === undefined && /^[ \t-]/.test(line)) throw refusal(`the ${what} of the gem is not a YAML mapping`);
      current?.push(line);
      continue;
    }
    if ((index === 0 && /^---(?: |$)/.test(line)) || line === '...') continue;
    const key = /^([A-Za-z_][A-Za-z0-9_]{0,63}):(?: |$)/.exec(line)?.[1];
    if (key === undefined || blocks.has(key)) throw refusal(`the ${what} of the gem is not a YAML mapping, or has a key twice`);
    if (blocks.size >= maxKeys) throw limitExceeded(`the ${what} of the gem has more than ${maxKeys} keys`);
    current = [line];
    blocks.set(key, current);
  }
  return new Map([...blocks].map(([key, lines]) => [key, lines.join('\n')]));
}

/** The value of one key of `splitGemYaml`; undefined for one that is not there or cannot be read. */
export function valueOf(blocks: ReadonlyMap<string, string>, key: string): Node | null | undefined {
  const text = blocks.get(key);
  const map = text === undefined || text.length > parsedLimit ? undefined : parseMap(text);
  return map === undefined ? undefined : nodeOf(map, key);
}

/** A whole document that is small; throws the reason when it is too large, or not one mapping. */
export function parseGemYaml(bytes: Buffer, what: string): YAMLMap {
  const text = decode(bytes, what);
  if (text.length > parsedLimit) throw limitExceeded(`the ${what} of the gem has more than ${parsedLimit} characters`);
  const map = parseMap(text);
  if (map === undefined) throw refusal(`the ${what} of the gem is not a YAML mapping`);
  return map;
}

/** Nothing is built from it: tags (`!ruby/object:…`) mean nothing here and aliases are not followed, so only what is looked at is read. */
function parseMap(text: string): YAMLMap | undefined {
  try {
    const [document, ...rest] = parseAllDocuments(text, { version: '1.1', schema: 'failsafe', strict: false, logLevel: 'silent', prettyErrors: false });
    if (document === undefined || !('contents' in document) || rest.length > 0 || document.errors.length > 0) return undefined;
    return isMap(document.contents) ? document.contents : undefined;
  } catch {
    return undefined; // too deep for the library
  }
}

/** The value of a key: undefined when it is not there, null for an empty one. */
export function nodeOf(map: YAMLMap, key: string): Node | null | undefined {
  return map.items.find((pair) => scalarText(pair.key) === key)?.value as Node | null | undefined;
}

/** Text of a scalar (Ruby writes some text in base64, tagged `!binary`); undefined for anything else. */
export function scalarText(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  const { value } = node;
  if (value === null) return '';
  if (typeof value !== 'string') return undefined;
  return /(?:^!|:)binary$/.test(node.tag ?? '') ? Buffer.from(value, 'base64').toString('utf8') : value;
}

function decode(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refusal(`the ${what} of the gem is not valid UTF-8`, cause);
  }
}
