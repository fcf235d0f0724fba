import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { buildTar } from '../__fixtures__/build-tar.js';
import { archiveLimits } from './archive-limits.js';
import { checkLinkTarget, safeEntryPath } from './entry-path.js';
import { readTar } from './tar-reader.js';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function writeWithLibrary(files: readonly (readonly [string, Buffer])[]): Promise<Buffer> {
  const packer = pack();
  for (const [name, content] of files) packer.entry({ name }, content);
  packer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packer as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('readTar', () => {
  it('reads what another program wrote, however it is cut into chunks', async () => {
    const segment = fc.stringMatching(/^[a-zA-Zäß0-9 _-]{1,60}$/);
    const name = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('/'));
    const files = fc.uniqueArray(
      fc.tuple(
        name,
        fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
      ),
      { minLength: 1, maxLength: 6, selector: ([path]) => path },
    );
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 3000 }), async (written, chunkSize) => {
        const read = await readTar(inChunks(await writeWithLibrary(written), chunkSize), archiveLimits, () => 10_000);
        expect([...read].map(([path, content]) => [path, content.toString('hex')])).toEqual(written.map(([path, content]) => [path, content.toString('hex')]));
      }),
      { numRuns: 100 },
    );
  });

  it('gives a reason for any damage, never another error', async () => {
    const sound = buildTar([{ name: 'a/b', content: 'x'.repeat(600) }, { name: 'p', type: 'x', content: '12 path=a/c\n' }, { name: 'x' }]);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.nat(255), fc.nat(sound.length), async (position, value, end) => {
        const bytes = Buffer.from(sound.subarray(0, end));
        if (position < end) bytes[position] = value;
        const outcome = await readTar(inChunks(bytes, 512), archiveLimits, () => 1000).catch((error: unknown) => error);
        expect(outcome instanceof Map || (outcome as { name?: string }).name === 'MillraceError').toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['entries', { entries: 1 }],
    ['names', { nameBytes: 3 }],
  ])('stops at the limit of %s', async (_what, limit) => {
    const bytes = buildTar([{ name: 'a/b' }, { name: 'a/c' }]);
    await expect(readTar(inChunks(bytes, 512), { ...archiveLimits, ...limit }, () => undefined)).rejects.toMatchObject({ code: 'payload-too-large' });
  });
});

describe('safeEntryPath', () => {
  it.each([
    ['./a//b/', 'a/b'],
    ['a/./b', 'a/b'],
    ['./', ''],
  ])('gives %j as %j', (name, path) => expect(safeEntryPath(name)).toBe(path));
  it.each(['', '/a', '../a', 'a/../b', 'a/..', 'C:/a', 'a\\b', 'a\0b', 'a'.repeat(5000)])('refuses %j', (name) =>
    expect(() => safeEntryPath(name)).toThrow(/archive/),
  );
});

describe('checkLinkTarget', () => {
  it.each([
    ['p/a/l', '../b'],
    ['p/l', 'x/../y'],
  ])('lets %j point to %j', (path, target) => expect(() => checkLinkTarget(path, target)).not.toThrow());
  it.each([
    ['p/l', '../x'],
    ['p/a/l', '../../x'],
    ['p/l', '/x'],
    ['p/l', ''],
    ['l', '../x'],
  ])('refuses that %j points to %j', (path, target) => expect(() => checkLinkTarget(path, target)).toThrow(/link/));
});
