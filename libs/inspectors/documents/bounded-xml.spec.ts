import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import { createContext } from '../__fixtures__/exchange.js';
import { childOf, parseXml, readXml, textAt } from './bounded-xml.js';

function parse(text: string, encoding: BufferEncoding = 'utf8'): ReturnType<typeof parseXml> {
  return parseXml(Buffer.from(text, encoding));
}

describe('parseXml', () => {
  it('gives elements with their names, attributes and own text', async () => {
    const root = await parse('<?xml version="1.0" encoding="UTF-8"?>\n<a x="1" m:y="&lt;2"> one <b>two</b><![CDATA[ <three> ]]><!-- no --></a>');
    expect(root).toMatchObject({ name: 'a', text: 'one  <three>' });
    expect([...root.attributes]).toEqual([['x', '1'], ['m:y', '<2']]);
    expect(childOf(root, 'b')?.text).toBe('two');
    expect(textAt(root, 'b', 'c')).toBe('');
  });

  it('reads what old POMs have: an empty first line, Latin-1 and Latin entities', async () => {
    expect((await parse('\n<?xml version="1.0" encoding="ISO-8859-1"?><a>J\u00f8rgen</a>', 'latin1')).text).toBe('J\u00f8rgen');
    expect((await parse('<a>J&oslash;rgen &nbsp;&yuml;</a>')).text).toBe('J\u00f8rgen \u00a0\u00ff');
  });

  it('reads text that is longer than one slice, with a character of two code units on the border', async () => {
    const long = `${'x'.repeat(64 * 1024 - 4)}\u{1f600}y`;
    expect((await parse(`<a>${long}</a>`)).text).toBe(long);
  });

  it.each([
    ['an entity declaration', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'document type declaration'],
    ['an external subset', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'document type declaration'],
    ['an unknown entity', '<a>&xxe;</a>', 'not well-formed'],
    ['an attribute that comes twice', '<a x="1" x="2"/>', 'not well-formed'],
    ['crossed elements', '<a><b></a></b>', 'not well-formed'],
    ['no end', '<a><b>', 'not well-formed'],
    ['two roots', '<a/><b/>', 'not well-formed'],
    ['text behind the root', '<a/>evil', 'not well-formed'],
    ['a NUL', '<a>\0</a>', 'not well-formed'],
    ['nothing in it', '', 'not well-formed'],
    ['an encoding that hides markup', '<?xml version="1.0" encoding="UTF-7"?><a/>', 'unsupported encoding utf-7'],
    ['deep nesting', '<a>'.repeat(100), 'nested deeper'],
    ['too many elements', `<a>${'<b/>'.repeat(200_001)}</a>`, 'more than 200000 elements'],
    ['too many attributes', `<a>${`<b ${Array.from({ length: 401 }, (_, index) => `a${index}=""`).join(' ')}/>`.repeat(1000)}</a>`, 'more than 400000 attributes'],
  ])('refuses %s', async (_case, text, reason) => {
    await expect(parse(text)).rejects.toThrow(reason);
  });

  it('refuses bytes that are not of the encoding', async () => {
    await expect(parseXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).rejects.toThrow('not valid utf-8');
  });

  it('stops when its time is over', async () => {
    await expect(parseXml(Buffer.from('<a/>'), { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over');
  });

  it('refuses a body that is larger than its limit', async () => {
    const body = createInspectedBody({ bytes: Buffer.from('<a>12345</a>'), digests: { sha1: '', sha256: '', size: 12 }, contentEncoding: '' });
    await expect(readXml(body, createContext(), 10)).rejects.toThrow('larger than 10 bytes');
    expect((await readXml(body, createContext())).text).toBe('12345');
  });

  it('reads or refuses whatever is made of a document, and never fails otherwise', async () => {
    const seed = Buffer.from('<?xml version="1.0"?><a x="1"><b>&amp;<![CDATA[x]]></b><!-- c --></a>');
    await fc.assert(
      fc.asyncProperty(fc.nat(seed.length - 1), fc.uint8Array({ maxLength: 8 }), fc.nat(4), async (at, put, cut) => {
        const changed = Buffer.concat([seed.subarray(0, at), Buffer.from(put), seed.subarray(Math.min(seed.length, at + cut))]);
        await parseXml(changed).catch((error: unknown) => expect(isMillraceError(error)).toBe(true));
      }),
      { numRuns: 300 },
    );
  });
});
