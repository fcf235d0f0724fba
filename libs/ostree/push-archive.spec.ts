import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { pack } from 'tar-stream';
import { archivePadding, readArchiveMember } from './push-archive.js';

async function headerOf(header: Parameters<ReturnType<typeof pack>['entry']>[0]): Promise<Buffer> {
  const archive = pack();
  archive.entry({ ...header }, Buffer.alloc(header.size ?? 0));
  archive.finalize();
  return (await buffer(archive)).subarray(0, 512);
}

describe('the archive of a push', () => {
  it('has objects with names and sizes, and ends with zeros', async () => {
    const name = `${'a'.repeat(64)}.filez`;
    expect(readArchiveMember(await headerOf({ name, size: 12345 }))).toEqual({ type: 'object', name, size: 12345 });
    expect(readArchiveMember(Buffer.alloc(512))).toBeUndefined();
    expect([archivePadding(0), archivePadding(1), archivePadding(512)]).toEqual([0, 511, 0]);
  });

  it.each(['directory', 'symlink', 'character-device'] as const)('has no %s', async (type) => {
    const header = await headerOf({ name: 'x', type, ...(type === 'symlink' ? { linkname: '/etc' } : {}) });
    expect(() => readArchiveMember(header)).toThrow('more than plain files');
  });

  it('is refused when a bit of its header is another', async () => {
    const header = await headerOf({ name: 'x', size: 5 });
    for (const at of [0, 100, 124, 130, 148, 156]) {
      const broken = Buffer.from(header);
      broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
      expect(() => readArchiveMember(broken)).toThrow(/broken/);
    }
  });
});
