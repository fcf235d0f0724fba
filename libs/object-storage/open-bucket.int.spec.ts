import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { parseBucketUrl } from './bucket-location.js';
import { openBucket, type Bucket } from './open-bucket.js';

const before = { ...process.env };
const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-bucket-'));
let server: S3Server;
let bucket: Bucket;
const opened: Bucket[] = [];

function open(url: string): Bucket {
  const made = openBucket(parseBucketUrl(url));
  opened.push(made);
  return made;
}

async function keysOf(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(prefix)) keys.push(key);
  return keys;
}

beforeAll(async () => {
  Object.assign(process.env, s3Credentials);
  server = await startS3Server(path.join(directory, 's3'));
  server.makeBucket('farm');
  bucket = open(`s3://farm/composes?endpoint=${server.endpoint}`);
});

afterAll(async () => {
  for (const each of opened) each.close();
  await server.kill();
  for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
  rmSync(directory, { recursive: true, force: true });
});

describe('a bucket', () => {
  it('keeps bytes and files, large ones in parts, and gives them back', async () => {
    const large = randomBytes(20 * 1024 * 1024);
    const file = path.join(directory, 'large');
    writeFileSync(file, large);
    await bucket.put('a/small.txt', Buffer.from('small'), { contentType: 'text/plain', cacheControl: 'no-cache' });
    await bucket.put('a/large.rpm', { file });
    expect(await buffer(await bucket.get('a/small.txt'))).toEqual(Buffer.from('small'));
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    expect(digest(await buffer(await bucket.get('a/large.rpm')))).toBe(digest(large));
    expect(await bucket.head('a/large.rpm')).toMatchObject({ size: large.length });
    expect(await bucket.head('a/absent')).toBeUndefined();
    await expect(bucket.get('a/absent')).rejects.toMatchObject({ code: 'blob-not-found' });
  });

  it('copies inside, under names that need encoding', async () => {
    await bucket.put('b/libstdc++ 1.rpm', Buffer.from('x'));
    await bucket.copy('b/libstdc++ 1.rpm', 'b/copy+of %.rpm');
    expect(await keysOf('b/')).toEqual(['b/copy+of %.rpm', 'b/libstdc++ 1.rpm']);
  });

  it('lists and removes more than a page', async () => {
    const keys = Array.from({ length: 1205 }, (_, index) => `c/${String(index).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => bucket.put(key, Buffer.alloc(0))));
    expect(await keysOf('c/')).toEqual(keys);
    await bucket.remove([...keys, 'c/never-was']);
    expect(await keysOf('c/')).toEqual([]);
  });

  it('stays below its prefix', async () => {
    const other = open(`s3://farm/other/?endpoint=${server.endpoint}`);
    await other.put('d', Buffer.from('other'));
    expect(await bucket.head('d')).toBeUndefined();
    expect(await open(`s3://farm?endpoint=${server.endpoint}`).head('other/d')).toMatchObject({ size: 5 });
  });

  it('says what is refused and what may work later', async () => {
    await expect(open(`s3://absent?endpoint=${server.endpoint}`).put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'storage-refused', message: expect.stringContaining('NoSuchBucket') });
    const busy = await answering(503);
    await expect(open(`s3://farm?endpoint=http://127.0.0.1:${(busy.address() as AddressInfo).port}`).put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'storage-unavailable' });
    busy.close();
    await expect(open('s3://farm?endpoint=http://127.0.0.1:1').put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'storage-unavailable' });
  });
});

describe('the URL of a bucket', () => {
  it.each([
    ['https://farm/x', 'must be an s3://'],
    ['s3:///x', 'must be an s3://'],
    ['s3://key:secret@farm', 'must not hold credentials'],
    ['s3://farm?regoin=x', 'unknown parameter regoin'],
    ['s3://farm?endpoint=ftp://x', 'no http(s) URL'],
    ['s3://farm/a%2F..%2Fb', 'with . or ..'],
  ])('%s is refused', (url, reason) => {
    expect(() => parseBucketUrl(url)).toThrow(reason);
  });

  it('has a folder for a prefix, whether or not a slash ends it', () => {
    expect(parseBucketUrl('s3://farm/a/b').prefix).toBe('a/b/');
    expect(parseBucketUrl('s3://farm/a/b//').prefix).toBe('a/b/');
    expect(parseBucketUrl('s3://farm').prefix).toBe('');
  });
});

function answering(status: number): Promise<Server> {
  return new Promise((resolve) => {
    const made = createServer((request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    made.listen(0, '127.0.0.1', () => resolve(made));
  });
}
