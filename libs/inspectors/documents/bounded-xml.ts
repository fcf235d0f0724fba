import { setImmediate as nextTurn } from 'node:timers/promises';
import { SaxesParser } from 'saxes';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';

export interface XmlElement {
  /** As written, with its prefix: `m:properties`. */
  readonly name: string;
  /** Values by name as written. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Character data directly in it, trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  text: string;
  readonly children: OpenElement[];
}

/** Bytes of a document, content coding undone, that `readXml` reads; the largest version lists of public repositories have some 1 MB. */
const sizeLimit = 8 * 1024 * 1024;
const maxDepth = 64;
const maxElements = 200_000;
const maxAttributes = 400_000;
const noAttributes: ReadonlyMap<string, string> = new Map();
const sliceLength = 64 * 1024;
/** What Maven's own parser knows beside the five of XML: Latin-1 letters from U+00A0 on, in order. Old POMs have names such as `&oslash;`. */
const latinEntities =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';
const encodings: Readonly<Record<string, string>> = { 'utf-8': 'utf-8', utf8: 'utf-8', 'iso-8859-1': 'latin1', 'us-ascii': 'latin1', 'windows-1252': 'latin1', cp1252: 'latin1' };

/** The XML document that a body is, see `parseXml`. Throws a reason when it is larger than `limit` bytes (8 MiB unless told). */
export async function readXml(body: InspectedBody, context: InspectionContext, limit: number = sizeLimit): Promise<XmlElement> {
  return parseXml(await body.read(limit), context);
}

/**
 * Parses hostile XML, whose size the caller has bounded, into a small tree (XML 1.0, https://www.w3.org/TR/xml/). Throws a reason for what is
 * not well-formed, for every document type declaration (so no entity can be declared) and for passed limits: 64 levels, 200,000 elements,
 * 400,000 attributes. Yields to the event loop between slices.
 */
export async function parseXml(bytes: Buffer, context: Pick<InspectionContext, 'signal'> = {}): Promise<XmlElement> {
  const text = decode(bytes);
  const root: OpenElement = { name: '', attributes: noAttributes, text: '', children: [] };
  try {
    const parser = createParser(root);
    for (let offset = 0; offset < text.length; offset += sliceLength) {
      parser.write(text.slice(offset, offset + sliceLength));
      await nextTurn();
      context.signal?.throwIfAborted();
    }
    parser.close();
  } catch (error) {
    context.signal?.throwIfAborted();
    if (isMillraceError(error)) throw error;
    throw refusal(`the document is not well-formed XML: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const [document] = root.children;
  if (document === undefined) throw refusal('the XML document is empty');
  return document;
}

function createParser(root: OpenElement): SaxesParser {
  const open: OpenElement[] = [root];
  let elements = 0;
  let attributes = 0;
  let pending: Map<string, string> | undefined;
  // Without a handler of errors it throws them. With a seventh handler, V8 keeps it as a dictionary, and it takes five times as long.
  const parser = new SaxesParser({ position: false });
  for (const [index, name] of latinEntities.split(' ').entries()) parser.ENTITIES[name] = String.fromCharCode(0xa0 + index);
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('doctype', () => {
    throw refusal('the XML document has a document type declaration, which repositories do not need and attacks use');
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  // They come before the tag that they are of.
  parser.on('attribute', ({ name, value }) => {
    attributes += 1;
    if (attributes > maxAttributes) throw limitExceeded(`the XML document has more than ${maxAttributes} attributes`);
    pending = (pending ?? new Map<string, string>()).set(name, value);
  });
  parser.on('opentag', ({ name }) => {
    elements += 1;
    if (elements > maxElements) throw limitExceeded(`the XML document has more than ${maxElements} elements`);
    if (open.length > maxDepth) throw limitExceeded(`the XML document is nested deeper than ${maxDepth} levels`);
    const element: OpenElement = { name, attributes: pending ?? noAttributes, text: '', children: [] };
    pending = undefined;
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.text = element.text.trim();
  });
  return parser;
}

function decode(bytes: Buffer): string {
  const declared = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,32})["']/.exec(bytes.toString('latin1', 0, 512))?.[1]?.toLowerCase() ?? 'utf-8';
  const encoding = Object.hasOwn(encodings, declared) ? encodings[declared] : undefined;
  if (encoding === undefined) throw refusal(`the XML document has the unsupported encoding ${declared}`);
  try {
    // Some published POMs begin with an empty line, which Maven reads all the same.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes).trimStart();
  } catch (cause) {
    throw refusal(`the XML document is not valid ${declared}`, cause);
  }
}

/** The first child element of a name, as written. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

/** The text at a path of child elements, empty when there is none. */
export function textAt(element: XmlElement, ...names: string[]): string {
  let found: XmlElement | undefined = element;
  for (const name of names) found = childOf(found, name);
  return found?.text ?? '';
}
