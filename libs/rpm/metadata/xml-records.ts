import { SaxesParser } from 'saxes';
import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** An element of a record: a small tree, whatever the size of the document. */
export interface XmlRecord {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Character data directly in it, trimmed. */
  readonly text: string;
  readonly children: readonly XmlRecord[];
}

export interface RecordLimits {
  /** Records in a document. */
  readonly records: number;
  /** Elements in one record. */
  readonly elements: number;
  /** Characters of names, attributes and text in one record. */
  readonly characters: number;
  /** Levels of elements below the root. */
  readonly depth: number;
  /** Characters of one tag or text, with the comments before it. */
  readonly token: number;
}

/** The largest packages known list some 150,000 files; the largest distributions have some 100,000 packages. */
export const recordLimits: RecordLimits = { records: 1_000_000, elements: 1_000_000, characters: 128 * 1024 * 1024, depth: 16, token: 8 * 1024 * 1024 };

export interface RecordsOptions {
  /** Name that the root element must have. */
  readonly root: string;
  /** Attributes of the root, before the first record. */
  readonly onRoot?: (attributes: Readonly<Record<string, string>>) => void;
  /** Elements that are passed over with all that is in them. */
  readonly skip?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: RecordLimits;
  /** Accepts a document type declaration that only names a DTD, as comps have it; nobody fetches that. */
  readonly allowDoctype?: true;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
  readonly children: OpenElement[];
}

const sliceLength = 64 * 1024;

/**
 * Reads a hostile XML document of any size as a sequence of the root's children, each a small tree. Memory: one slice of text and the records in it.
 * Throws a reason for what is not well-formed or not UTF-8, for document type declarations with anything in them (so no entity can be declared) and for passed limits.
 */
export async function* readXmlRecords(chunks: AsyncIterable<Buffer>, options: RecordsOptions): AsyncGenerator<XmlRecord, void> {
  const decode = createDecoder();
  const collector = createCollector(options);
  try {
    for await (const chunk of chunks) {
      for (let offset = 0; offset < chunk.length; offset += sliceLength) {
        collector.write(decode(chunk.subarray(offset, offset + sliceLength)));
        yield* collector.take();
        options.signal?.throwIfAborted();
      }
    }
    collector.write(decode());
    collector.close();
  } catch (error) {
    options.signal?.throwIfAborted();
    throw asRefusal(error);
  }
  yield* collector.take();
}

/** The same of a document that is at hand as a whole. */
export function parseXmlRecords(document: Buffer, options: Omit<RecordsOptions, 'signal'>): readonly XmlRecord[] {
  const collector = createCollector(options);
  const decode = createDecoder();
  const text = decode(document) + decode();
  try {
    for (let offset = 0; offset < text.length; offset += sliceLength) collector.write(text.slice(offset, offset + sliceLength));
    collector.close();
  } catch (error) {
    throw asRefusal(error);
  }
  return collector.take();
}

function asRefusal(error: unknown): unknown {
  return isMillraceError(error) ? error : refusal(`the document is not well-formed XML: ${errorMessage(error).slice(0, 200)}`, error);
}

function createDecoder(): (bytes?: Buffer) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw refusal('the XML document is not valid UTF-8', cause);
    }
  };
}

interface Collector {
  write(text: string): void;
  close(): void;
  /** The records that were completed since the last call. */
  take(): readonly OpenElement[];
}

function createCollector(options: RecordsOptions): Collector {
  const limits = options.limits ?? recordLimits;
  // Without a handler of errors it throws them. With a seventh handler, V8 keeps it as a dictionary, and it takes five times as long.
  const parser = new SaxesParser({ position: false, xmlns: false });
  const open: OpenElement[] = [];
  let done: OpenElement[] = [];
  const seen = { records: 0, elements: 0, characters: 0, depth: 0, skipping: 0, token: 0 };

  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') throw refusal(`the XML document has the unsupported encoding ${encoding.slice(0, 32)}`);
  });
  parser.on('doctype', (declaration) => {
    if (options.allowDoctype === true && !declaration.includes('[')) return;
    throw refusal('the XML document has a document type declaration, which rpm-md does not need and attacks use');
  });
  const onText = (text: string): void => {
    seen.token = 0;
    const element = open.at(-1);
    if (element === undefined || seen.skipping > 0) return;
    countCharacters(text.length);
    element.text += text;
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('opentag', ({ name, attributes }) => {
    seen.token = 0;
    seen.depth += 1;
    if (seen.depth === 1) {
      if (name !== options.root) throw refusal(`the XML document is <${name.slice(0, 64)}>, not <${options.root}>`);
      options.onRoot?.(attributes);
      return;
    }
    if (seen.depth - 1 > limits.depth) throw limitExceeded(`the XML document is nested deeper than ${limits.depth} levels`);
    if (seen.skipping > 0 || options.skip?.has(name) === true) {
      seen.skipping += 1;
      return;
    }
    openElement(name, attributes);
  });
  parser.on('closetag', () => {
    seen.token = 0;
    seen.depth -= 1;
    if (seen.skipping > 0) seen.skipping -= 1;
    else if (seen.depth > 0) closeElement();
  });

  function openElement(name: string, attributes: Readonly<Record<string, string>>): void {
    if (open.length === 0) [seen.elements, seen.characters] = [0, 0];
    seen.elements += 1;
    if (seen.elements > limits.elements) throw limitExceeded(`an element of the XML document has more than ${limits.elements} elements in it`);
    countCharacters(name.length);
    for (const key in attributes) countCharacters(key.length + (attributes[key] as string).length);
    const element: OpenElement = { name, attributes, text: '', children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  }

  function closeElement(): void {
    const element = open.pop() as OpenElement;
    element.text = element.text.trim();
    if (open.length > 0) return;
    seen.records += 1;
    if (seen.records > limits.records) throw limitExceeded(`the XML document has more than ${limits.records} elements below its root`);
    done.push(element);
  }

  function countCharacters(count: number): void {
    seen.characters += count;
    if (seen.characters > limits.characters) throw limitExceeded(`an element of the XML document has more than ${limits.characters} characters`);
  }

  return {
    write(text) {
      seen.token += text.length;
      parser.write(text);
      // What the parser keeps for itself until a tag or a text ends. A slice holds many of them, so this counts too little, never too much.
      if (seen.token > limits.token) throw limitExceeded(`the XML document has a tag or text of more than ${limits.token} characters`);
    },
    close: () => void parser.close(),
    take() {
      const taken = done;
      done = [];
      return taken;
    },
  };
}

/** The one child of that name; undefined when there is none. Throws a reason for a second one: readers would differ in which of them counts. */
export function onlyChild(record: XmlRecord, name: string): XmlRecord | undefined {
  const found = record.children.filter((child) => child.name === name);
  if (found.length > 1) throw refusal(`the <${record.name.slice(0, 64)}> has more than one <${name}>`);
  return found[0];
}

/** The text of the one child of that name, empty when there is none. */
export function childText(record: XmlRecord, name: string): string {
  return onlyChild(record, name)?.text ?? '';
}

/** A whole number of a document; undefined for whatever is none. */
export function wholeNumber(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

/** An attribute of the element itself, never of the prototype. */
export function attribute(record: XmlRecord | undefined, name: string): string | undefined {
  return record !== undefined && Object.hasOwn(record.attributes, name) ? record.attributes[name] : undefined;
}
