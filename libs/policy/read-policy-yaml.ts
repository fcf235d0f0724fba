import { CST, isAlias, isMap, isNode, isScalar, Lexer, parseDocument, visit, type Document, type Node, type YAMLMap } from 'yaml';
import { errorMessage } from '../errors/error-message.js';

export interface YamlMistake {
  /** In characters, from 0. */
  readonly offset: number;
  readonly message: string;
}

const depthLimit = 32;
/** A megabyte of ordinary rules has some two hundred thousand. */
const tokenLimit = 400_000;
const mistakeLimit = 100;

/**
 * A YAML 1.2 (or JSON) text as a tree with positions. The parser is quadratic in some things and recursive in others, so its tokens are counted
 * first; anchors and aliases are refused. Never throws.
 */
export function readPolicyYaml(text: string): { readonly document: Document | undefined; readonly mistakes: readonly YamlMistake[] } {
  const excess = excessOf(text);
  if (excess !== undefined) return { document: undefined, mistakes: [excess] };
  try {
    // Keys are compared below: the parser compares each with all others.
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, stringKeys: true, version: '1.2' });
    const mistakes = document.errors.slice(0, mistakeLimit).map(({ pos, message }) => ({ offset: pos[0], message }));
    return { document, mistakes: mistakes.length > 0 ? mistakes : mistakesIn(document) };
  } catch (error) {
    return { document: undefined, mistakes: [{ offset: 0, message: `cannot be read: ${errorMessage(error).slice(0, 200)}` }] };
  }
}

/** What would make reading slow or deep: too many tokens, nested brackets, indicators one after the other on a line (`- - - -`). */
function excessOf(text: string): YamlMistake | undefined {
  let offset = 0;
  let tokens = 0;
  let brackets = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    tokens += 1;
    if (type === 'flow-map-start' || type === 'flow-seq-start') brackets += 1;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') brackets -= 1;
    else if (type === 'newline') indicators = 0;
    else if (brackets <= 0 && (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind')) indicators += 1;
    if (brackets > depthLimit || indicators > depthLimit) return { offset, message: `is nested deeper than ${depthLimit}` };
    if (tokens > tokenLimit) return { offset, message: `has more than ${tokenLimit} parts` };
    // The marks that the lexer puts in for itself are not in the text.
    if (type !== 'doc-mode' && type !== 'scalar' && type !== 'flow-error-end') offset += token.length;
  }
  return undefined;
}

function mistakesIn(document: Document): readonly YamlMistake[] {
  const mistakes: YamlMistake[] = [];
  visit(document, (_key, node, ancestors) => {
    if (!isNode(node)) return undefined;
    if (isAlias(node) || node.anchor !== undefined) mistakes.push({ offset: offsetOfNode(node), message: 'anchors and aliases are not allowed' });
    // Between two collections there is a pair.
    else if (ancestors.length > depthLimit * 2) mistakes.push({ offset: offsetOfNode(node), message: `is nested deeper than ${depthLimit}` });
    else if (isMap(node)) mistakes.push(...repeatedKeys(node));
    return mistakes.length < mistakeLimit ? undefined : visit.BREAK;
  });
  return mistakes.slice(0, mistakeLimit);
}

function repeatedKeys(map: YAMLMap): readonly YamlMistake[] {
  const seen = new Set<string>();
  const mistakes: YamlMistake[] = [];
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    if (seen.has(name)) mistakes.push({ offset: offsetOfNode(key), message: `the key ${JSON.stringify(name.slice(0, 64))} stands here twice` });
    seen.add(name);
  }
  return mistakes.slice(0, mistakeLimit);
}

export function offsetOfNode(node: Node): number {
  return node.range?.[0] ?? 0;
}
