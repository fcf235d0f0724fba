import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildConda, msgpack, shardedRepodata } from './__fixtures__/sample-conda.js';
import { readMsgpack } from './msgpack-reader.js';

const directory = 'https://registry.example/channel/linux-64/';
const file = 'millrace-sample-1.0.0-h123_0.conda';
const honest = buildConda();
const sharded = shardedRepodata(file, honest);

async function opinionOn(url: string, bytes: Buffer, context: InspectionContext): Promise<string> {
  const { inspections } = await inspect(createRequest(url), { bytes }, context);
  const { opinion, reason } = inspections['conda.shards'] ?? inspections['conda.package'] ?? {};
  return `${opinion}: ${reason}`;
}

const packed = (value: unknown): Buffer => zstdCompressSync(msgpack(value));

describe('conda.shards', () => {
  it('approves the index and its shards, by which packages are known then', async () => {
    const context = createContext();
    expect(await opinionOn(`${directory}repodata_shards.msgpack.zst`, sharded.index, context)).toBe('Approved: valid index of sharded repodata of a conda channel');
    expect(await opinionOn(`${directory}shards/${sharded.shardName}`, sharded.shard, context)).toBe('Approved: valid shard of the repodata of a conda channel');
    expect(await opinionOn(directory + file, honest, context)).toBe('Approved: valid conda package');
    const other = buildConda({ files: [{ name: 'share/sample.txt', content: 'two\n' }] });
    expect(await opinionOn(directory + file, other, context)).toBe("Rejected: the package's SHA-256 digest is not the one that the repodata declare");
  });

  it('goes by the places that the index names', async () => {
    const context = createContext();
    const elsewhere = shardedRepodata(file, honest, { info: { base_url: 'https://files.example/linux-64', shards_base_url: 'https://shards.example/x' } });
    expect(await opinionOn(`${directory}repodata_shards.msgpack.zst`, elsewhere.index, context)).toMatch(/^Approved/);
    expect(await opinionOn(`${directory}shards/${elsewhere.shardName}`, elsewhere.shard, context)).toMatch(/^Unknown: .*no index of this session/);
    expect(await opinionOn(`https://shards.example/x/${elsewhere.shardName}`, elsewhere.shard, context)).toMatch(/^Approved/);
    expect(await opinionOn(directory + file, honest, context)).toMatch(/^Unknown/);
    expect(await opinionOn(`https://files.example/linux-64/${file}`, honest, context)).toMatch(/^Approved/);
  });

  it('rejects a shard that is not the one of its name', async () => {
    expect(await opinionOn(`${directory}shards/${sharded.shardName}`, sharded.index, createContext())).toContain("Rejected: the shard's SHA-256 digest is not the one in its name");
    for (const [records, reason] of [
      [{ 'packages.conda': { [file]: { sha256: Buffer.alloc(3) } } }, 'a sha256 of'],
      [{ packages: [] }, 'are not a map'],
      [[], 'is not a map'],
    ] as const) {
      const bytes = packed(records);
      const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
      expect(await opinionOn(`${directory}shards/${digest}.msgpack.zst`, bytes, createContext())).toContain(reason);
    }
  });

  it.each([
    ['without shards', packed({ info: {} }), 'has no shards'],
    ['with half a digest', packed({ shards: { a: Buffer.alloc(31) } }), 'no SHA-256 digest for "a"'],
    ['with a place that cannot be fetched', packed({ info: { base_url: 'ftp://x' }, shards: {} }), 'cannot be fetched'],
    ['that is no zstd', Buffer.from('x'), 'damaged'],
    ['that unpacks to far more', zstdCompressSync(Buffer.alloc(200 * 1024 * 1024)), 'times its size'],
  ])('rejects an index %s', async (_case, bytes, reason) => {
    const opinion = await opinionOn(`${directory}repodata_shards.msgpack.zst`, bytes, createContext());
    expect(opinion).toMatch(/^Rejected: /);
    expect(opinion).toContain(reason);
  });
});

describe('readMsgpack', () => {
  const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);
  it.each<[Buffer, unknown]>([
    [bytes(0x7f), 127],
    [bytes(0xff), -1],
    [bytes(0xcc, 200), 200],
    [bytes(0xcd, 1, 0), 256],
    [bytes(0xce, 0, 1, 0, 0), 65536],
    [bytes(0xcf, 0, 0, 0, 1, 0, 0, 0, 0), 2 ** 32],
    [bytes(0xd0, 0x80), -128],
    [bytes(0xd1, 0xff, 0), -256],
    [bytes(0xd2, 0xff, 0xff, 0xff, 0xfe), -2],
    [bytes(0xca, 0x3f, 0x80, 0, 0), 1],
    [bytes(0xa1, 0x61), 'a'],
    [bytes(0xd9, 1, 0x61), 'a'],
    [bytes(0xda, 0, 1, 0x61), 'a'],
    [bytes(0xc4, 1, 7), Buffer.from([7])],
    [bytes(0xc5, 0, 1, 7), Buffer.from([7])],
    [bytes(0x92, 0xc0, 0xc3), [null, true]],
    [bytes(0xdc, 0, 1, 0xc2), [false]],
    [bytes(0x81, 0xa1, 0x61, 1), new Map([['a', 1]])],
    [bytes(0xde, 0, 1, 0xa1, 0x61, 1), new Map([['a', 1]])],
  ])('reads %p', (input, value) => expect(readMsgpack(input)).toEqual(value));

  it('reads what a writer writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const plain = (read: unknown): unknown =>
          read instanceof Map ? Object.fromEntries([...read].map(([key, item]) => [key, plain(item)])) : Array.isArray(read) ? read.map(plain) : read;
        expect(JSON.stringify(plain(readMsgpack(msgpack(value))))).toEqual(JSON.stringify(value));
      }),
    );
  });

  it.each([
    ['nothing', bytes(), 'truncated'],
    ['an endless text', bytes(0xdb, 0xff, 0xff, 0xff, 0xff), 'truncated'],
    ['an endless array', bytes(0xdd, 0xff, 0xff, 0xff, 0xff), 'truncated'],
    ['more than one value', bytes(1, 2), 'after its end'],
    ['an extension', bytes(0xd4, 1, 1), 'type 0xd4'],
    ['a key twice', bytes(0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 1), 'comes twice'],
    ['a number as a key', bytes(0x81, 1, 1), 'no text'],
    ['deep nesting', Buffer.alloc(1000, 0x91), 'nested deeper'],
    ['too many values', Buffer.concat([bytes(0xdd, 0, 0x50, 0, 0), Buffer.alloc(0x500000)]), 'more than 4000000 values'],
  ])('refuses %s', (_case, input, reason) => expect(() => readMsgpack(input)).toThrow(reason));

  it('never fails otherwise than by a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          readMsgpack(Buffer.from(input));
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
