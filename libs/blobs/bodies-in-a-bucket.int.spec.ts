import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { openBlobStore, type BlobStore } from './open-blob-store.js';

const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-bodies-'));
const before = { ...process.env };
const content = Buffer.from('a body');
const sha256 = createHash('sha256').update(content).digest('hex');
let server: S3Server;
let store: BlobStore;

beforeAll(async () => {
  Object.assign(process.env, s3Credentials);
  server = await startS3Server(path.join(home, 's3'));
  server.makeBucket('bodies');
  store = await openBlobStore({ blobs: `s3://bodies/farm?endpoint=${server.endpoint}`, home });
});
afterAll(async () => {
  store.close();
  await server.kill();
  for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
  rmSync(home, { recursive: true, force: true });
});

describe('bodies of sessions in a bucket', () => {
  it('are spooled in the home and stored before they count as adopted', async () => {
    const spoolFile = path.join(store.spoolDirectory, 'spooled');
    writeFileSync(spoolFile, content);
    await store.adopt('abc', sha256, spoolFile);
    expect([store.spoolDirectory, readdirSync(store.spoolDirectory)]).toEqual([path.join(home, 'blobs/spool'), []]);
    expect(readdirSync(path.join(server.directoryOf('bodies'), `farm/sessions/abc/${sha256.slice(0, 2)}`))).toEqual([sha256]);
    const body = await store.read('abc', sha256);
    expect([body.size, await text(body.content)]).toEqual([6, 'a body']);
  });

  it('belong to their session, and go with it', async () => {
    await store.put('def', sha256, content);
    expect(await store.listSessions()).toEqual(['abc', 'def']);
    await store.removeSession('def');
    await expect(store.read('def', sha256)).rejects.toMatchObject({ code: 'blob-not-found' });
    expect(await store.listSessions()).toEqual(['abc']);
  });

  it('stay in the spool when they cannot be stored', async () => {
    const spoolFile = path.join(store.spoolDirectory, 'kept');
    writeFileSync(spoolFile, content);
    const elsewhere = await openBlobStore({ blobs: `s3://absent?endpoint=${server.endpoint}`, home });
    await expect(elsewhere.adopt('abc', sha256, spoolFile)).rejects.toMatchObject({ code: 'storage-refused' });
    expect(readdirSync(store.spoolDirectory)).toEqual(['kept']);
    elsewhere.close();
  });
});
