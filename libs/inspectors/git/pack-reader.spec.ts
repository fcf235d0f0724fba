import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appendingDelta, commit, entry, entryHead, object, ofsDelta, pack, refDelta, tree, varint, type PackShape } from './__fixtures__/build-pack.js';
import { parseCommit, parseTag, treeEntries } from './git-objects.js';
import { createObjectTable } from './object-table.js';
import { createPackCollector, type PackBytes } from './pack-bytes.js';
import type { GitObject } from './pack-contents.js';
import { packLimits, type PackLimits } from './pack-limits.js';
import { readPack, type Pack, type PackOptions } from './pack-reader.js';

const home = mkdtempSync(path.join(tmpdir(), 'millrace-pack-'));
const opened: PackBytes[] = [];
afterAll(async () => {
  for (const bytes of opened) await bytes.close();
  rmSync(home, { recursive: true, force: true });
});

interface Reading extends Partial<PackOptions> {
  /** Bytes of the pieces in a file, with other bytes between them; absent: in memory. */
  readonly piece?: number;
}

async function read(bytes: Buffer, { piece, ...options }: Reading = {}): Promise<Pack> {
  const file = piece === undefined ? undefined : path.join(home, 'pack');
  const collector = createPackCollector(file, options.format ?? 'sha1');
  const between = Buffer.from('between');
  const written: Buffer[] = [];
  let offset = 0;
  for (let at = 0; at < bytes.length; at += piece ?? bytes.length) {
    const part = bytes.subarray(at, at + (piece ?? bytes.length));
    collector.add(part, offset + between.length);
    written.push(between, part);
    offset += between.length + part.length;
  }
  if (file !== undefined) writeFileSync(file, Buffer.concat(written));
  const collected = await collector.finish();
  opened.push(collected);
  return readPack(collected, { format: 'sha1', visit: () => undefined, externalBases: () => Promise.resolve(new Map()), ...options });
}

const idsOf = (of: Pack): string[] => Array.from({ length: of.objects.size }, (_, number) => of.objects.idAt(number).toString('hex')).sort();
const readme = object('blob', 'A mill\n');

describe('readPack', () => {
  it('computes the ids of all kinds of objects, from memory and from pieces of a file', async () => {
    const root = tree([['100644', 'README', readme.id]]);
    const objects = [commit(root.id), root, readme];
    for (const piece of [undefined, 1, 7, 64 * 1024]) {
      const visited: string[] = [];
      const result = await read(pack(objects.map(entry)), { ...(piece === undefined ? {} : { piece }), visit: (_object, id) => void visited.push(id.toString('hex')) });
      expect(idsOf(result)).toEqual(objects.map(({ id }) => id).sort());
      expect(visited.sort()).toEqual([objects[0]?.id, root.id].sort());
      expect((await result.contentOf(result.objects.find(Buffer.from(readme.id, 'hex')))).toString()).toBe('A mill\n');
    }
  });

  it('reads large files without keeping them, and deltas upon them', async () => {
    const large = object('blob', Buffer.alloc(3_000_000, 'a mill and '));
    const made = object('blob', `${large.content.toString('latin1', 0, 65_535)}more`);
    const delta = Buffer.concat([varint(large.content.length), varint(made.content.length), Buffer.from([0x80 | 0x10 | 0x20, 0xff, 0xff, 4]), Buffer.from('more')]);
    const result = await read(pack([entry(large), ofsDelta(entry(large).length, delta)]), { piece: 10_000, limits: { ...packLimits, cacheBytes: 1000 } });
    expect(idsOf(result)).toEqual([large.id, made.id].sort());
    expect(result.sizeOf(result.objects.find(Buffer.from(large.id, 'hex')))).toBe(3_000_000);
  });

  it('resolves a long chain of deltas with almost no cache, forwards and backwards', async () => {
    const chain = [readme];
    for (let length = 1; length < 60; length += 1) chain.push(object('blob', `${chain.at(-1)?.content.toString()}${length}\n`));
    const deltas = chain.slice(1).map((_one, index) => refDelta(chain[index]?.id as string, appendingDelta(chain[index]?.content as Buffer, `${index + 1}\n`)));
    for (const entries of [[entry(readme), ...deltas], [...deltas.toReversed(), entry(readme)]]) {
      const result = await read(pack(entries), { limits: { ...packLimits, cacheBytes: 2000 } });
      expect(idsOf(result)).toEqual(chain.map(({ id }) => id).sort());
      expect(result.unresolved).toBe(0);
    }
    await expect(read(pack([entry(readme), ...deltas]), { limits: { ...packLimits, depth: 10 } })).rejects.toThrow('deltas upon deltas, more than 10');
  });

  it('resolves deltas upon objects that are elsewhere, and counts those that stay open', async () => {
    const longer = object('blob', 'A mill\nand more\n');
    const entries = [refDelta(readme.id, appendingDelta(readme.content, 'and more\n')), refDelta('ab'.repeat(20), appendingDelta(Buffer.from('x'), 'y'))];
    const asked: string[][] = [];
    const externalBases = (ids: readonly string[]): Promise<ReadonlyMap<string, GitObject>> => {
      asked.push([...ids]);
      return Promise.resolve(new Map([[readme.id, readme]]));
    };
    const result = await read(pack(entries), { externalBases });
    expect(asked).toEqual([[readme.id, 'ab'.repeat(20)]]);
    expect(idsOf(result)).toEqual([longer.id]);
    expect(result.unresolved).toBe(1);
    expect((await result.contentOf(0)).toString()).toBe('A mill\nand more\n');
  });

  const sound = entry(readme);
  const deltaOf = (bytes: readonly number[]): Buffer[] => [sound, ofsDelta(sound.length, Buffer.from(bytes))];
  it.each<[string, readonly Buffer[], PackShape, string]>([
    ['of an unknown version', [sound], { version: 4 }, 'unknown version 4'],
    ['with far more objects than bytes', [sound], { count: 4_000_000_000 }, 'more than'],
    ['with more objects than it has room for', [sound], { count: 1000 }, 'truncated'],
    ['of an object of type 0', [entryHead(0, 3), deflateSync('abc')], { count: 1 }, 'unknown type 0'],
    ['of an object of type 5', [entryHead(5, 3), deflateSync('abc')], { count: 1 }, 'unknown type 5'],
    ['with a size that is too small', [entryHead('blob', 2), deflateSync('abc')], { count: 1 }, 'not the size that its head says'],
    ['with a size that is too large', [entryHead('blob', 4), deflateSync('abc')], { count: 1 }, 'not the size that its head says'],
    ['with a large size that is wrong', [entryHead('blob', 2_000_000), deflateSync(Buffer.alloc(1_999_999))], { count: 1 }, 'not the size that its head says'],
    ['with a bomb behind a small size', [entryHead('blob', 10), deflateSync(Buffer.alloc(50_000_000))], { count: 1 }, 'not the size that its head says'],
    ['with an endless size', [Buffer.alloc(30, 0xff), sound], { count: 1 }, 'impossible size'],
    ['with a tree of a gigabyte', [entryHead('tree', 1024 ** 3), deflateSync('x')], { count: 1 }, 'more than'],
    ['with no zlib stream', [entryHead('blob', 3), Buffer.from('abcdefgh')], { count: 1 }, 'no sound zlib stream'],
    ['with an endless row of empty blocks', [entryHead('blob', 1), Buffer.from([0x78, 0x9c]), Buffer.alloc(50_000, Buffer.from([0, 0, 0, 0xff, 0xff]))], { count: 1 }, 'no sound zlib stream'],
    ['with a delta upon itself', [sound, ofsDelta(0, Buffer.from([0]))], {}, 'outside of the pack'],
    ['with a delta upon what lies before it', [sound, ofsDelta(1_000_000, Buffer.from([0]))], {}, 'outside of the pack'],
    ['with a delta upon the middle of an object', [sound, ofsDelta(sound.length - 1, Buffer.from([0]))], {}, 'a base that is no object'],
    ['with a delta of another size', deltaOf([6, 1, 1, 0x61]), {}, 'does not fit its base'],
    ['with a delta that copies from outside', deltaOf([7, 5, 0x80 | 0x01 | 0x10, 5, 5]), {}, 'does not fit its base'],
    ['with a delta that inserts more than it has', deltaOf([7, 5, 5, 0x61]), {}, 'does not fit its base'],
    ['with a delta that makes too little', deltaOf([7, 5, 1, 0x61]), {}, 'does not fit its base'],
    ['with a delta that makes too much', deltaOf([7, 1, 2, 0x61, 0x61]), {}, 'does not fit its base'],
    ['with a delta with the operation 0', deltaOf([7, 1, 0]), {}, 'does not fit its base'],
    ['with a delta that ends in a size', deltaOf([0x87]), {}, 'does not fit its base'],
    ['with a delta that would make a gigabyte', deltaOf([7, 0x80, 0x80, 0x80, 0x80, 4, 0x81, 0]), {}, 'more than'],
    ['with an empty delta', deltaOf([]), {}, 'does not fit its base'],
  ])('refuses a pack %s', async (_case, entries, shape, reason) => {
    await expect(read(pack(entries, shape))).rejects.toMatchObject({ name: 'MillraceError', message: expect.stringContaining(reason) });
  });

  it.each<[string, Partial<PackLimits>, string]>([
    ['objects', { objects: 1 }, 'more than 1'],
    ['bytes of an object', { objectBytes: 6 }, 'more than 6'],
    ['bytes in all', { totalBytes: 10 }, 'unpacks to more than 10 bytes'],
  ])('keeps the limit of %s', async (_case, limits, reason) => {
    await expect(read(pack([sound, entry(object('blob', 'Another'))]), { limits: { ...packLimits, ...limits } })).rejects.toThrow(reason);
  });

  it('ends when the inspection is aborted', async () => {
    const signal = AbortSignal.abort(new Error('over'));
    await expect(read(pack(Array.from({ length: 600 }, (_, number) => entry(object('blob', `${number}`)))), { signal })).rejects.toThrow('over');
  });

  it('leaves two deltas that wait for each other open', async () => {
    const result = await read(pack([refDelta('11'.repeat(20), Buffer.from([1, 1, 1, 0x61])), refDelta('22'.repeat(20), Buffer.from([1, 1, 1, 0x61]))]));
    expect([result.objects.size, result.unresolved]).toEqual([0, 2]);
  });

  it('reads or refuses whatever a pack is changed into', async () => {
    const root = tree([['100644', 'README', readme.id]]);
    const bytes = pack([entry(commit(root.id)), entry(root), entry(readme), ofsDelta(entry(readme).length, appendingDelta(readme.content, 'more'))]);
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(changes, fc.nat(bytes.length), async (changed, cut) => {
        const copy = Buffer.from(bytes.subarray(0, cut % 7 === 0 ? cut : bytes.length));
        for (const [at, value] of changed) copy[at] = value;
        await read(copy).catch((error: unknown) => expect(error).toMatchObject({ name: 'MillraceError' }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('objects', () => {
  const entryOf = (mode: string, name: string): Buffer => tree([[mode, name, readme.id]]).content;

  it.each([
    ['a mode that is no number', entryOf('10x644', 'a')],
    ['no mode', entryOf('', 'a')],
    ['an endless mode', entryOf('100000000644', 'a')],
    ['no name', entryOf('100644', '')],
    ['half an id', entryOf('100644', 'a').subarray(0, 20)],
    ['a name that leads upwards', entryOf('40000', '..')],
    ['a name with a slash', entryOf('100644', 'a/b')],
    ["git's own folder", entryOf('40000', '.GIT')],
  ])('refuse a tree with %s', (_case, content) => expect(() => treeEntries(content, 'sha1')).toThrow('tree'));

  it('take other names with dots', () => {
    for (const name of ['.gitignore', '...', '.g', 'a.git', '.github']) expect(treeEntries(entryOf('100644', name), 'sha1')).toMatchObject([{ name, mode: 0o100644 }]);
  });

  it('refuse commits and tags whose first lines are none', () => {
    for (const content of ['', 'tree x\n', `tree ${readme.id}\n\nno author`, `tree ${readme.id}${readme.id}\nauthor x\ncommitter x\n`]) expect(() => parseCommit(Buffer.from(content), 'sha1')).toThrow('pack');
    for (const content of ['', 'object x\ntype blob\n', `object ${readme.id}\ntype thing\n`]) expect(() => parseTag(Buffer.from(content), 'sha1')).toThrow('pack');
    expect(parseCommit(Buffer.from(`tree ${readme.id}\nparent ${readme.id}\nauthor A <a@x.test> 0 +0000\ncommitter C <c@x.test> 0 +0000\ngpgsig x\n y\n\nSubject\n\nBody`), 'sha1')).toEqual({
      tree: readme.id,
      parents: [readme.id],
      author: 'A <a@x.test> 0 +0000',
      committer: 'C <c@x.test> 0 +0000',
      subject: 'Subject',
    });
  });
});

describe('createObjectTable', () => {
  it('is a set, as a Map of strings is', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 20, maxLength: 20, max: 3 }), { maxLength: 400 }), (ids) => {
        const table = createObjectTable(20, 1000);
        const map = new Map<string, number>();
        for (const id of ids) {
          const key = Buffer.from(id).toString('hex');
          if (!map.has(key)) map.set(key, map.size);
          expect(table.add(id)).toBe(map.get(key));
        }
        expect(table.size).toBe(map.size);
        for (const [key, number] of map) expect([table.find(Buffer.from(key, 'hex')), table.idAt(number).toString('hex')]).toEqual([number, key]);
        expect(table.find(Buffer.alloc(20, 0xee))).toBe(-1);
      }),
    );
  });

  it('takes many ids that begin alike, and no more than its limit', () => {
    const table = createObjectTable(32, 50_000);
    const id = Buffer.alloc(32);
    for (let number = 0; number < 50_000; number += 1) {
      id.writeUInt32BE(number, 28);
      expect(table.add(id)).toBe(number);
    }
    expect(() => table.add(Buffer.alloc(32, 1))).toThrow('more than 50000');
  });
});
