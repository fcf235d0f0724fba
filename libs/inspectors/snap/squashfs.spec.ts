import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import { surviveMutation } from '../oci/__fixtures__/survive-mutation.js';
import { target as assertionTarget } from './__fuzz__/assertion.fuzz.js';
import { target } from './__fuzz__/snap.fuzz.js';
import { sampleSnap } from './__fixtures__/sample-snap.js';
import { randomAccessTo, withRandomAccess, type RandomAccess } from './random-access.js';
import { parseSnapYaml } from './snap-yaml.js';
import { readSquashfsFile, readSuperblock } from './squashfs.js';

async function readYaml(access: RandomAccess, limit = 4096): Promise<Buffer> {
  return readSquashfsFile(access, await readSuperblock(access), { path: ['meta', 'snap.yaml'], limit });
}

/** The image with one field of its superblock set. */
function withField(offset: number, value: number, bytes: 2 | 4): Buffer {
  const image = Buffer.from(sampleSnap('gzip'));
  image.writeUIntLE(value, offset, bytes);
  return image;
}

describe('readSquashfsFile', () => {
  it.each(['gzip', 'xz', 'zstd'] as const)('reads snap.yaml of an image by mksquashfs with %s', async (compressor) => {
    const yaml = parseSnapYaml(await readYaml(randomAccessTo(sampleSnap(compressor))));
    expect(yaml).toEqual({ name: 'millrace-sample', version: '1.10', summary: 'A sample for the inspectors', license: 'Apache-2.0', architectures: ['amd64'] });
  });

  it('reads from a spooled file', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-snap-'));
    const bytes = sampleSnap('xz');
    const file = path.join(directory, 'body');
    writeFileSync(file, bytes);
    const body = createInspectedBody({ file, head: bytes.subarray(0, 4096), digests: { sha1: '', sha256: '', size: bytes.length }, contentEncoding: '' });
    expect((await withRandomAccess(body, readYaml)).toString()).toContain('name: millrace-sample');
    rmSync(directory, { recursive: true });
  });

  it.each<[string, Buffer]>([
    ['no squashfs image', Buffer.from('PK')],
    ['no squashfs image', Buffer.alloc(200)],
    ['truncated', sampleSnap('gzip').subarray(0, 300)],
    ['not of version 4.0', withField(28, 3, 2)],
    ['unknown compressor', withField(20, 99, 2)],
    ['impossible block size', withField(12, 3, 4)],
    ['impossible block size', withField(22, 31, 2)],
    ['points outside', withField(64, 0xffffffff, 4)],
    ['lzo compression cannot be read', sampleSnap('lzo')],
  ])('refuses: %s', async (reason, bytes) => {
    await expect(readYaml(randomAccessTo(bytes))).rejects.toThrow(reason);
  });

  it('refuses a file that is larger than asked for, and one that is not there', async () => {
    const access = randomAccessTo(sampleSnap('gzip'));
    await expect(readYaml(access, 10)).rejects.toThrow('larger than 10 bytes');
    const superblock = await readSuperblock(access);
    for (const wrong of [
      ['meta', 'none'],
      ['meta', 'snap.yaml', 'below'],
      ['none', 'snap.yaml'],
    ]) {
      await expect(readSquashfsFile(access, superblock, { path: wrong, limit: 4096 })).rejects.toThrow('the squashfs image has no');
    }
    await expect(readSquashfsFile(access, superblock, { path: ['meta', 'gui'], limit: 4096 })).rejects.toThrow('is no file');
  });

  it.each([target, assertionTarget])('never crashes or hangs: $name', async (fuzzed) => {
    await surviveMutation(fuzzed, 1100);
  });
});

describe('parseSnapYaml', () => {
  it.each(['', '[]', 'name: x', 'name: X Y\nversion: 1', 'name: &a x\nversion: *a', `a: ${'['.repeat(20_000)}`, 'name: x\nversion: [1]', '\t'])(
    'refuses %j',
    (text) => {
      expect(() => parseSnapYaml(Buffer.from(text.slice(0, 60_000)))).toThrow(/snap\.yaml/);
    },
  );
});
