import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { chunksOf, readOneParagraph, readParagraphs, type Paragraph } from './control-file.js';

async function read(text: string | Buffer, size = 1 << 20, wanted?: ReadonlySet<string>): Promise<readonly Paragraph[]> {
  const bytes = Buffer.from(text);
  async function* pieces(): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < bytes.length; at += size) yield* chunksOf(bytes.subarray(at, at + size));
  }
  const paragraphs: Paragraph[] = [];
  for await (const paragraph of readParagraphs(pieces(), wanted === undefined ? {} : { wanted })) paragraphs.push(paragraph);
  return paragraphs;
}

const sample = '# comment\nPackage: über\nDescription: one\n two\n .\nEmpty:\n\n \n\nPackage: b\r\nChecksums:\n abc 1 x\n def 2 y';

describe('readParagraphs', () => {
  it.each([1, 3, 7, 1000])('reads fields, continuation lines and the last paragraph in pieces of %s bytes', async (size) => {
    expect(await read(sample, size)).toEqual([
      new Map([['package', 'über'], ['description', 'one\ntwo\n.'], ['empty', '']]),
      new Map([['package', 'b'], ['checksums', '\nabc 1 x\ndef 2 y']]),
    ]);
  });

  it('keeps letters whose last byte is that of a space in Latin-1', async () => {
    expect(await read('Description: voilà\n déjà à\n')).toEqual([new Map([['description', 'voilà\ndéjà à']])]);
  });

  it('keeps only what is wanted', async () => {
    expect(await read(sample, 1000, new Set(['package']))).toEqual([new Map([['package', 'über']]), new Map([['package', 'b']])]);
  });

  it.each([
    ['a line that is no field', 'Package a'],
    ['a field without a name', ': a'],
    ['a name with a blank', 'A B: c'],
    ['a field twice', 'A: b\na: c'],
    ['a continuation first', ' a'],
    ['an endless line', `A: ${'x'.repeat(1024 * 1024)}`],
    ['an endless paragraph', `A:\n${` ${'x'.repeat(1000)}\n`.repeat(9000)}`],
  ])('throws a reason for %s', async (_case, text) => {
    const refused = await read(text).catch((error: unknown) => error);
    expect(isMillraceError(refused)).toBe(true);
  });

  it('takes exactly one paragraph when there must be one', async () => {
    expect(await readOneParagraph(Buffer.from('A: b\n\n'))).toEqual(new Map([['a', 'b']]));
    for (const text of ['', '\n\n', 'A: b\n\nC: d\n']) await expect(readOneParagraph(Buffer.from(text))).rejects.toThrow('paragraphs in place of one');
  });

  it('never crashes, and reads alike whatever the pieces are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('A: b', ' c', '', '\t', '#', 'x', 'B:', 'A:', ':', '\r', 'é: é')), fc.integer({ min: 1, max: 9 }), async (lines, size) => {
        const [whole, pieces] = await Promise.all([1000, size].map((length) => read(lines.join('\n'), length).catch((error: unknown) => error)));
        if (isMillraceError(whole)) expect(isMillraceError(pieces)).toBe(true);
        else expect(pieces).toEqual(whole);
      }),
    );
  });
});
