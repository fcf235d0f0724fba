import { isMap, isNode, isScalar, type Document } from 'yaml';
import { didYouMean } from './did-you-mean.js';
import { timedEcosystems, type PolicyAsOf, type PolicyContent, type PolicyCooldown, type PolicyRule } from './policy-document.js';
import { policyDocumentError, shownMistakes, type PolicyMistake } from './policy-mistakes.js';
import { offsetOfNode, readPolicyYaml } from './read-policy-yaml.js';
import { policyKeys, policySchema, type WrittenPolicy } from './policy-schema.js';

/** Bytes of UTF-8. */
export const policyDocumentLimit = 1024 * 1024;

export interface PolicyDocumentOptions {
  /** For messages: a file name, `session policy`. */
  readonly file: string;
  /** Ecosystems that have inspectors; a document that names another is refused. Undefined: any name will do. */
  readonly ecosystems?: readonly string[];
}

type Path = readonly (string | number)[];

/**
 * Reads a policy document, YAML 1.2 or JSON. Anchors and aliases are refused, so that a small text cannot become a large document. Errors:
 * `invalid-policy-document` with every mistake and its place; nothing else is ever thrown.
 */
export function parsePolicyDocument(text: string, options: PolicyDocumentOptions): PolicyContent {
  const places = lineStarts(text);
  const mistakes: PolicyMistake[] = [];
  const add = (offset: number, path: Path, message: string): void => {
    mistakes.push({ file: options.file, ...placeOf(places, offset), path: pathText(path), message });
  };
  if (Buffer.byteLength(text) > policyDocumentLimit) {
    throw policyDocumentError([{ file: options.file, line: 1, column: 1, path: '', message: `is larger than ${policyDocumentLimit} bytes` }]);
  }
  const { document, mistakes: unreadable } = readPolicyYaml(text);
  for (const { offset, message } of unreadable) add(offset, [], message);
  if (document === undefined || mistakes.length > 0) throw policyDocumentError(mistakes);
  const at = (path: Path): number => offsetOf(document, path);
  const value: unknown = document.toJS();
  const parsed = policySchema.safeParse(value);
  for (const issue of parsed.error?.issues ?? []) {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys.slice(0, shownMistakes)) add(keyOffset(document, path, key), [...path, key], unknownKey(key));
    else add(at(path), path, issue.message);
  }
  const { ecosystems } = options;
  for (const [path, name] of ecosystems === undefined ? [] : namedEcosystems(value)) {
    if (ecosystems?.includes(name) === false) add(at(path), path, unknownEcosystem(name, ecosystems));
  }
  if (!parsed.success || mistakes.length > 0) throw policyDocumentError(mistakes.sort((one, other) => one.line - other.line || one.column - other.column));
  return contentOf(parsed.data, (path) => placeOf(places, at(path)).line);
}

/** Where each line begins. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function placeOf(starts: readonly number[], offset: number): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: Math.max(0, offset - (starts[low] as number)) + 1 };
}

function unknownKey(key: string): string {
  const meant = didYouMean(key, policyKeys);
  return `unknown key${meant === undefined ? '' : `: did you mean ${JSON.stringify(meant)}?`}`;
}

function unknownEcosystem(name: string, known: readonly string[]): string {
  const meant = didYouMean(name, known);
  return `no inspector is for ${JSON.stringify(name)}${meant === undefined ? `; there are ${known.join(', ')}` : `: did you mean ${JSON.stringify(meant)}?`}`;
}

function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node)) return offsetOfNode(node);
  }
  return 0;
}

function keyOffset(document: Document, path: Path, key: string): number {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(map)) {
    for (const pair of map.items) if (isScalar(pair.key) && String(pair.key.value) === key) return offsetOfNode(pair.key);
  }
  return offsetOf(document, path);
}

function pathText(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part.slice(0, 100)}`)).join('');
}

/** Where ecosystems are named, also in a document that is otherwise wrong. */
function* namedEcosystems(value: unknown, path: Path = []): Generator<readonly [Path, string]> {
  if (typeof value !== 'object' || value === null || path[0] === 'inspectors-configuration') return;
  for (const [key, item] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    if (path.length === 1 && path[0] === 'origins') yield [here, key];
    else if (typeof item === 'string' && (key === 'ecosystem' || path.at(-1) === 'ecosystems')) yield [here, item];
    else yield* namedEcosystems(item, here);
  }
}

function contentOf(policy: WrittenPolicy, line: (path: Path) => number): PolicyContent {
  const rules = (list: 'allow' | 'deny'): PolicyRule[] =>
    (policy[list] ?? []).map(({ licence, ...rule }, index) => ({ ...rule, ...(licence === undefined ? {} : { licence: [licence].flat() }), line: line([list, index]) }));
  const cooldown = cooldownOf(policy, line);
  const asOf = asOfOf(policy, line);
  return {
    version: 1,
    allow: rules('allow'),
    deny: rules('deny'),
    origins: Object.fromEntries(Object.entries(policy.origins ?? {}).map(([name, from]) => [name, { from, line: line(['origins', name]) }])),
    pins: (policy.pins ?? []).map((pin, index) => ({ ...lowerCase(pin), line: line(['pins', index]) })),
    ...(cooldown === undefined ? {} : { cooldown }),
    ...(asOf === undefined ? {} : { asOf }),
    signatures: (policy.signatures?.required ?? []).map((signature, index) => ({ ...signature, keys: signature.keys ?? [], line: line(['signatures', 'required', index]) })),
    inspectorsConfiguration: policy['inspectors-configuration'] ?? {},
    ...(policy.sessions === undefined ? {} : { sessionsMayPin: policy.sessions['may-pin'] }),
  };
}

function cooldownOf({ cooldown }: WrittenPolicy, line: (path: Path) => number): PolicyCooldown | undefined {
  return cooldown === undefined ? undefined : { days: cooldown.days, ecosystems: cooldown.ecosystems ?? timedEcosystems, except: cooldown.except ?? [], line: line(['cooldown']) };
}

function asOfOf({ 'as-of': asOf }: WrittenPolicy, line: (path: Path) => number): PolicyAsOf | undefined {
  if (asOf === undefined) return undefined;
  const { at, ecosystems } = typeof asOf === 'string' ? { at: asOf, ecosystems: undefined } : asOf;
  return { at, ecosystems: ecosystems ?? timedEcosystems, line: line(['as-of']) };
}

function lowerCase<Pin extends { readonly sha256?: string; readonly sha512?: string; readonly sha1?: string }>(pin: Pin): Pin {
  const digests = (['sha256', 'sha512', 'sha1'] as const).flatMap((name) => (pin[name] === undefined ? [] : [[name, pin[name].toLowerCase()]]));
  return { ...pin, ...(Object.fromEntries(digests) as Partial<Pin>) };
}
