import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { s3Keys, startS3Server, type S3Server } from '../../testing/start-s3-server.js';
import { describeObjectStore } from '../__fixtures__/object-store-contract.js';
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

describeObjectStore('a bucket', () => Promise.resolve(openS3Store(parseBucketUrl(`s3://farm/a/prefix?endpoint=${server.endpoint}`), { readKeys: s3Keys, partBytes: 5 * 1024 * 1024 })));
