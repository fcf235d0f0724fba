import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readVariant } from './read-variant.js';
import { variantType } from './variant-type.js';
import { writeVariant } from './write-variant.js';
import type { VariantValue } from './variant.js';

const text = fc.string({ unit: 'binary', maxLength: 300 }).filter((value) => !value.includes('\0'));
const scalars: readonly (readonly [string, fc.Arbitrary<VariantValue>])[] = [
  ['y', fc.integer({ min: 0, max: 255 })],
  ['b', fc.boolean()],
  ['q', fc.integer({ min: 0, max: 0xffff })],
  ['i', fc.integer()],
  ['u', fc.nat({ max: 0xffffffff })],
  ['t', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  ['x', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  ['s', text],
  ['ay', fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))],
];

interface Typed {
  readonly signature: string;
  readonly value: VariantValue;
}

const typed: fc.Arbitrary<Typed> = fc.letrec<{ typed: Typed }>((tie) => ({
  typed: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(...scalars.map(([signature, value]) => value.map((each) => ({ signature, value: each })))),
    fc.array(tie('typed'), { minLength: 1, maxLength: 5 }).map((members) => ({ signature: `(${members.map((member) => member.signature).join('')})`, value: members.map((member) => member.value) })),
    tie('typed').map((inner) => ({ signature: 'v', value: inner })),
    fc.tuple(tie('typed'), fc.nat({ max: 70 })).filter(([{ signature }]) => signature !== 'y').map(([{ signature, value }, count]) => ({ signature: `a${signature}`, value: Array.from({ length: count }, () => value) })),
  ),
})).typed;

describe('variants', () => {
  it('are read as they were written, whatever their type and size', () => {
    fc.assert(fc.property(typed, ({ signature, value }) => expect(readVariant(signature, writeVariant(signature, value))).toEqual(value)), { numRuns: 500 });
  });

  it('have one form: what is read from hostile bytes is written as those bytes, or refused', () => {
    const types = ['a{sv}', '(a{sv}aya(say)sstayay)', '(a(say)a(sayay))', '(uuua(ayay))', '(a(s(taya{sv}))a{sv})', 'as', 'v', '(yt)', '()'];
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 80 }), fc.boolean(), (signature, bytes, small) => {
        const buffer = Buffer.from(small ? bytes.map((byte) => byte % 20) : bytes);
        let value: VariantValue;
        try {
          value = readVariant(signature, buffer);
        } catch (error) {
          expect(error).toMatchObject({ code: 'source-invalid' });
          return;
        }
        expect(writeVariant(signature, value).equals(buffer)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('are read in the other byte order, too', () => {
    expect(readVariant('(uqt)', Buffer.from('000000010002000000000000000000ff'.padEnd(32, '0'), 'hex'), { byteOrder: 'big' })).toEqual([1, 2, 0xffn]);
  });

  it('that lie deep inside each other, and types that are none, are refused', () => {
    let nested: Typed = { signature: 'y', value: 1 };
    for (let depth = 0; depth < 30; depth += 1) nested = { signature: 'v', value: nested };
    expect(() => readVariant('v', writeVariant('v', nested))).toThrow(/deep/);
    for (const signature of ['', 'z', 'a', '(', '{s}', '{sss}', 'ss', ')', '((((((((((((((((((y))))))))))))))))))', `(${'y'.repeat(300)})`]) expect(() => variantType(signature)).toThrow(expect.objectContaining({ code: 'source-invalid' }));
  });
});
