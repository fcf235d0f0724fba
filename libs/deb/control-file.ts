import { limitExceeded, refusal } from '../inspection/refusal.js';
import { trimBlanks } from './trim-blanks.js';

/** One paragraph of a control file: values by field name in lower case, trimmed; continuation lines are kept, each after a line feed. */
export type Paragraph = ReadonlyMap<string, string>;

export interface ControlFileOptions {
  /** Fields to keep, in lower case; all unless told. An index has some thirty fields a paragraph, of which five matter here. */
  readonly wanted?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

const maxLine = 1024 * 1024;
const maxParagraph = 8 * 1024 * 1024;
const maxParagraphs = 2_000_000;
const fieldName = /^[\x21-\x39\x3b-\x7e]{1,128}$/;

/**
 * Reads the paragraphs of a Debian control file one by one, with no more than one in memory
 * (https://www.debian.org/doc/debian-policy/ch-controlfields.html#syntax-of-control-files). Throws a reason for what is no such file and for passed limits.
 */
export async function* readParagraphs(chunks: AsyncIterable<Buffer>, options: ControlFileOptions = {}): AsyncGenerator<Paragraph, void> {
  let builder = createParagraphBuilder(options.wanted);
  let count = 0;
  let rest = '';
  for await (const chunk of withEnd(chunks)) {
    options.signal?.throwIfAborted();
    // Latin-1 keeps every byte, whatever is cut between chunks; `fields` makes UTF-8 of it.
    const text = rest + chunk.toString('latin1');
    let start = 0;
    // Line by line without a promise for each: an index has more than a million.
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end);
      start = end + 1;
      if (trimBlanks(line) !== '') {
        builder.add(line);
        continue;
      }
      if (builder.isEmpty()) continue;
      count += 1;
      if (count > maxParagraphs) throw limitExceeded(`the control file has more than ${maxParagraphs} paragraphs`);
      yield builder.fields();
      builder = createParagraphBuilder(options.wanted);
    }
    rest = text.slice(start);
    if (rest.length > maxLine) throw limitExceeded(`the control file has a line of more than ${maxLine} bytes`);
  }
}

/** The end of a file ends its last paragraph. */
async function* withEnd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield* chunks;
  yield Buffer.from('\n\n');
}

/** The only paragraph of a small control file. Throws a reason when there is none or another one. */
export async function readOneParagraph(bytes: Buffer): Promise<Paragraph> {
  const paragraphs: Paragraph[] = [];
  for await (const paragraph of readParagraphs(chunksOf(bytes))) paragraphs.push(paragraph);
  const [first] = paragraphs;
  if (first === undefined || paragraphs.length > 1) throw refusal(`the control file has ${paragraphs.length} paragraphs in place of one`);
  return first;
}

/** Bytes in memory in the form that readers take. */
export async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield await Promise.resolve(bytes);
}

interface ParagraphBuilder {
  add(line: string): void;
  isEmpty(): boolean;
  fields(): Paragraph;
}

function createParagraphBuilder(wanted: ReadonlySet<string> | undefined): ParagraphBuilder {
  const values = new Map<string, string>();
  let lines = 0;
  let size = 0;
  let current: string | undefined;

  function addField(line: string): void {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (colon < 1 || !fieldName.test(name)) throw refusal(`the control file has the line ${JSON.stringify(line.slice(0, 80))}, which is no field`);
    if (values.has(name)) throw refusal(`the control file has the field "${name}" twice in a paragraph`);
    const keeps = wanted === undefined || wanted.has(name);
    // Also the unwanted of a paragraph must not be there twice, but only what is kept is looked at: nobody reads the rest.
    if (keeps) values.set(name, trimBlanks(line.slice(colon + 1)));
    current = keeps ? name : undefined;
  }

  return {
    add(line) {
      lines += 1;
      if (line.startsWith('#')) return;
      const continues = line.startsWith(' ') || line.startsWith('\t');
      if (!continues) addField(line);
      else if (lines === 1) throw refusal('the control file begins with a continuation line');
      else if (current !== undefined) {
        size += line.length;
        if (size > maxParagraph) throw limitExceeded(`the control file has a paragraph of more than ${maxParagraph} bytes`);
        values.set(current, `${values.get(current) ?? ''}\n${trimBlanks(line)}`);
      }
    },
    isEmpty: () => lines === 0,
    fields: () => new Map([...values].map(([name, value]) => [name, Buffer.from(value, 'latin1').toString('utf8')])),
  };
}
