import { SaxesParser } from 'saxes';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError } from '../errors/millrace-error.js';
import { limitExceeded, refusal } from '../inspection/refusal.js';
import { readScalar, scalarTypes } from './rpc-scalars.js';
import type { RpcMessage, RpcStruct, RpcValue } from './rpc-value.js';

export interface RpcLimits {
  /** Bytes of a document. */
  readonly bytes: number;
  /** Values in it, however nested. */
  readonly values: number;
  /** Levels of elements; an array or struct takes three. */
  readonly depth: number;
  /** Characters of one text. */
  readonly text: number;
}

/** A tag of the largest distributions known has some 100,000 RPMs, each of 20 values and a kilobyte, once for each of its signatures. */
export const rpcLimits: RpcLimits = { bytes: 512 * 1024 ** 2, values: 10_000_000, depth: 64, text: 16 * 1024 ** 2 };

/** Where an element may stand. */
const parents: Readonly<Record<string, readonly string[]>> = {
  methodCall: [''],
  methodResponse: [''],
  methodName: ['methodCall'],
  params: ['methodCall', 'methodResponse'],
  fault: ['methodResponse'],
  param: ['params'],
  value: ['param', 'data', 'member', 'fault'],
  array: ['value'],
  data: ['array'],
  struct: ['value'],
  member: ['struct'],
  name: ['member'],
  ...Object.fromEntries([...scalarTypes].map((type) => [type, ['value']])),
};
const single: ReadonlySet<string> = new Set(['', 'param', 'value', 'array', 'fault']);
const withText: ReadonlySet<string> = new Set([...scalarTypes, 'value', 'name', 'methodName']);

interface OpenElement {
  readonly name: string;
  text: string;
  /** What the elements in it came to. */
  readonly items: unknown[];
}

/**
 * Reads a hostile message of XML-RPC, with the extensions of Koji (`nil`, `i8`). Memory: the values. Throws a reason for what is no such message, for document
 * type declarations (so no entity can be declared) and for passed limits.
 */
export async function readXmlRpc(chunks: AsyncIterable<Buffer>, limits: RpcLimits = rpcLimits): Promise<RpcMessage> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = createReader(limits);
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > limits.bytes) throw limitExceeded(`the XML-RPC document has more than ${limits.bytes} bytes`);
      reader.write(decoder.decode(chunk, { stream: true }));
    }
    reader.write(decoder.decode());
    return reader.close();
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw refusal(`the document is no XML-RPC: ${errorMessage(error).slice(0, 200)}`, error);
  }
}

function createReader(limits: RpcLimits): { write(text: string): void; close(): RpcMessage } {
  // Without a handler of errors it throws them. With a seventh handler, V8 keeps it as a dictionary, and it takes five times as long.
  const parser = new SaxesParser({ position: false, xmlns: false });
  const root: OpenElement = { name: '', text: '', items: [] };
  const open = [root];
  const seen = { values: 0, token: 0 };
  const top = (): OpenElement => open.at(-1) as OpenElement;

  const onText = (text: string): void => {
    seen.token = 0;
    const element = top();
    if (withText.has(element.name)) {
      element.text += text;
      if (element.text.length > limits.text) throw limitExceeded(`the XML-RPC document has a text of more than ${limits.text} characters`);
    } else if (text.trim() !== '') throw refusal(`the XML-RPC document has text where none may be: ${JSON.stringify(text.trim().slice(0, 60))}`);
  };
  parser.on('doctype', () => {
    throw refusal('the XML-RPC document has a document type declaration, which no hub sends and attacks use');
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') throw refusal(`the XML-RPC document has the unsupported encoding ${encoding.slice(0, 32)}`);
  });
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('opentag', ({ name: qualified }) => {
    seen.token = 0;
    const name = qualified === 'ex:nil' ? 'nil' : qualified;
    const element = top();
    if (!Object.hasOwn(parents, name) || !parents[name]?.includes(element.name)) throw refusal(`the XML-RPC document has <${name.slice(0, 60)}> in ${element.name === '' ? 'its root' : `<${element.name}>`}`);
    if (single.has(element.name) && element.items.length > 0) throw refusal(`a <${element.name}> of the XML-RPC document has more than one element`);
    if (open.length > limits.depth) throw limitExceeded(`the XML-RPC document is nested deeper than ${limits.depth} levels`);
    seen.values += 1;
    if (seen.values > limits.values * 2) throw limitExceeded(`the XML-RPC document has more than ${limits.values} values`);
    open.push({ name, text: '', items: [] });
  });
  parser.on('closetag', () => {
    seen.token = 0;
    const element = open.pop() as OpenElement;
    top().items.push(closeElement(element));
  });

  return {
    write(text) {
      seen.token += text.length;
      parser.write(text);
      // What the parser keeps until a tag or a text ends.
      if (seen.token > limits.text) throw limitExceeded(`the XML-RPC document has a tag or text of more than ${limits.text} characters`);
    },
    close() {
      parser.close();
      return root.items[0] as RpcMessage;
    },
  };
}

function closeElement({ name, text, items }: OpenElement): unknown {
  if (scalarTypes.has(name)) return readScalar(name, text);
  switch (name) {
    case 'methodName':
    case 'name':
      return text;
    case 'methodCall':
      return { kind: 'call', method: takeText(items[0]), params: items[1] ?? [] } satisfies { kind: 'call'; method: string; params: unknown };
    case 'methodResponse':
      return closeResponse(items);
    case 'value':
      return closeValue(text, items);
    case 'member':
      return closeMember(items);
    case 'struct':
      return Object.fromEntries(items as [string, RpcValue][]);
    case 'params':
    case 'data':
      return items;
    case 'fault':
      return closeFault(items[0] as RpcStruct | undefined);
    default:
      if (items.length === 0) throw refusal(`a <${name}> of the XML-RPC document is empty`);
      return items[0];
  }
}

/** Without a type, a value is a string. */
function closeValue(text: string, items: readonly unknown[]): unknown {
  if (items.length === 0) return text;
  if (text.trim() !== '') throw refusal('a <value> of the XML-RPC document has both a text and a type');
  return items[0];
}

function closeMember(items: readonly unknown[]): unknown {
  if (items.length !== 2 || typeof items[0] !== 'string') throw refusal('a <member> of the XML-RPC document is no name with a value');
  return items;
}

function closeResponse([item]: readonly unknown[]): RpcMessage {
  if (item !== null && typeof item === 'object' && 'kind' in item && faults.has(item)) return item as RpcMessage;
  if (!Array.isArray(item) || item.length !== 1) throw refusal('the XML-RPC answer has not one value');
  return { kind: 'answer', value: item[0] as RpcValue };
}

/** Made here: no struct of the document can pass for one. */
const faults = new WeakSet<object>();

function closeFault(struct: RpcStruct | undefined): RpcMessage {
  const { faultCode, faultString } = struct ?? {};
  if (typeof faultCode !== 'number' || typeof faultString !== 'string') throw refusal('the fault of the XML-RPC answer has no code and text');
  const fault: RpcMessage = { kind: 'fault', code: faultCode, text: faultString };
  faults.add(fault);
  return fault;
}

function takeText(item: unknown): string {
  if (typeof item !== 'string' || item === '') throw refusal('the XML-RPC call names no method');
  return item;
}
