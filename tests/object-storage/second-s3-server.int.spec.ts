import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { describeObjectStore } from '../../libs/object-storage/__fixtures__/object-store-contract.js';
import { parseBucketUrl } from '../../libs/object-storage/bucket-location.js';
import { openS3Store } from '../../libs/object-storage/s3/open-s3-store.js';
import { startMotoS3, type MotoS3 } from '../../libs/testing/start-moto-s3.js';
import { s3Keys } from '../../libs/testing/start-s3-server.js';
import { pythonTool } from '../server/python-tool.js';

const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-second-s3-'));
let server: MotoS3;

beforeAll(async () => {
  server = await startMotoS3(await pythonTool({ name: 'moto-5.2.5', requirements: ['moto[server]==5.2.5'] }), directory);
  await server.makeBucket('farm');
}, 300_000);
afterAll(async () => {
  await server.kill();
  rmSync(directory, { recursive: true, force: true });
});

describeObjectStore('a bucket of another server', () => Promise.resolve(openS3Store(parseBucketUrl(`s3://farm/a/prefix?endpoint=${server.endpoint}`), { readKeys: s3Keys, partBytes: 5 * 1024 * 1024, pageObjects: 50 })), { page: 50 });
