import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, s3Keys, startS3Server, type S3Server } from '../../testing/start-s3-server.js';
import { describeObjectStore, keysOf, sha256 } from '../__fixtures__/object-store-contract.js';
import { parseBucketUrl } from '../bucket-location.js';
import { openS3Store } from './open-s3-store.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-s3-store-'));
let server: S3Server;

beforeAll(async () => {
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
});
afterAll(async () => {
  await server.kill();
  rmSync(directory, { recursive: true, force: true });
});

describeObjectStore('a bucket', () => Promise.resolve(openS3Store(parseBucketUrl(`s3://farm/a/prefix?endpoint=${server.endpoint}`), { readKeys: s3Keys, partBytes: 5 * 1024 * 1024, pageObjects: 50 })), { page: 50 });

describe('a bucket', () => {
  const open = (prefix: string, readKeys = s3Keys) => openS3Store(parseBucketUrl(`s3://farm/${prefix}?endpoint=${server.endpoint}`), { readKeys });

  it('gives whoever has the URL an object, and nobody else', async () => {
    const store = open('presigned');
    await store.put('a b+c.hpkg', Buffer.from('package'));
    const url = (await store.presign('a b+c.hpkg', { seconds: 60, contentDisposition: 'attachment; filename="a.hpkg"' })) ?? '';
    const answer = await fetch(url, { headers: { range: 'bytes=0-3' } });
    expect([answer.status, await answer.text(), answer.headers.get('content-disposition')]).toEqual([206, 'pack', 'attachment; filename="a.hpkg"']);
    expect((await fetch(url.replace(/X-Amz-Signature=..../, 'X-Amz-Signature=0000'))).status).toBe(403);
    expect(url).not.toContain((await s3Keys()).secretAccessKey);
    store.close();
  });

  it('stays below its prefix, and remembers content types and digests', async () => {
    const [here, there] = [open('here'), open('here-too')];
    await here.put('object', Buffer.from('object'), { contentType: 'application/x-rpm', cacheControl: 'no-cache' });
    await here.copy('object', 'copy');
    expect([await there.head('object'), await keysOf(there, '')]).toEqual([undefined, []]);
    for (const key of ['object', 'copy']) {
      const { content, contentType, sha256: digest } = await here.get(key);
      expect([await text(content), contentType, digest]).toEqual(['object', 'application/x-rpm', sha256(Buffer.from('object'))]);
    }
    here.close();
    there.close();
  });

  it('passes over the folders of a browser, which no key can name', async () => {
    const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: await s3Keys() });
    await client.send(new PutObjectCommand({ Bucket: 'farm', Key: 'browsed/folder/', Body: Buffer.alloc(0) }));
    const store = open('browsed');
    await store.put('folder/object', Buffer.from('x'));
    expect(await keysOf(store, '')).toEqual(['folder/object']);
    client.destroy();
    store.close();
  });

  it('shows the digest of a copy that its maker knows', async () => {
    const store = open('known');
    await store.put('spooled', { stream: (async function* () { for (let part = 0; part < 3; part += 1) yield Buffer.alloc(5 * 1024 * 1024, part); })() });
    expect((await store.head('spooled'))?.sha256).toBeUndefined();
    await store.copy('spooled', 'placed', { sha256: 'ab'.repeat(32) });
    expect((await store.head('placed'))?.sha256).toBe('ab'.repeat(32));
    store.close();
  });

  it('tells no key of the user when it is refused', async () => {
    const wrong = open('wrong', () => Promise.resolve({ accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: 'quite-wrong' }));
    await expect(wrong.put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'storage-refused', message: expect.not.stringContaining('quite-wrong') });
    await expect(wrong.head('a')).rejects.toMatchObject({ code: 'storage-refused' });
    wrong.close();
  });
});
