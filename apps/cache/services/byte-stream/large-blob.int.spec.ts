import { expect, it } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { ReadResponse } from '../../../../libs/remote-apis/generated/google/bytestream/bytestream.js';
import { writeStream } from '../../__fixtures__/byte-streams.js';
import { nobody } from '../../__fixtures__/test-clients.js';
import { useTestCache } from '../../__fixtures__/use-test-cache.js';

const mebibyte = 1024 * 1024;
const pieces = 5 * 1024;
const size = pieces * mebibyte;
/** Client, server and store are all in this process. */
const mostGrowth = 700 * mebibyte;

const scene = useTestCache();
const noise = randomBytes(mebibyte);
/** Each another one. */
function piece(index: number): Buffer {
  const bytes = Buffer.from(noise);
  bytes.writeUInt32LE(index);
  return bytes;
}

it('brings a blob of 5 GiB in one stream and gives it back, in memory that does not grow with it', async () => {
  const digest = createHash('sha256');
  for (let index = 0; index < pieces; index += 1) digest.update(piece(index));
  const hash = digest.digest('hex');
  const before = process.memoryUsage.rss();
  let most = 0;
  const measure = (): void => void (most = Math.max(most, process.memoryUsage.rss() - before));

  const { call, response } = writeStream(scene.clients);
  for (let index = 0; index < pieces; index += 1) {
    const taken = call.write({ resourceName: index === 0 ? `large/uploads/${randomUUID()}/blobs/${hash}/${size}` : '', writeOffset: index * mebibyte, finishWrite: index === pieces - 1, data: piece(index) });
    if (!taken) await once(call, 'drain');
    measure();
  }
  call.end();
  expect(await response).toEqual({ committedSize: size });
  expect(readdirSync(path.join(scene.server.folder, 'uploads'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);

  const read = createHash('sha256');
  let bytes = 0;
  for await (const { data } of scene.clients.bytes.read({ resourceName: `large/blobs/${hash}/${size}`, readOffset: 0, readLimit: 0 }, nobody()) as AsyncIterable<ReadResponse>) {
    read.update(data);
    bytes += data.length;
    measure();
  }
  expect([bytes, read.digest('hex')]).toEqual([size, hash]);
  expect(most).toBeLessThan(mostGrowth);
}, 600_000);
