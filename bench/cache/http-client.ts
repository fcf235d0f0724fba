import { Readable } from 'node:stream';
import { Client } from 'undici';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { CacheClient } from './cache-client.js';

/** As Bazel speaks it: `GET` and `PUT /cas/<sha256>`. */
export function connectHttp(address: string, authorization: string | undefined): CacheClient {
  const client = new Client(address, { pipelining: 1, bodyTimeout: 300_000, headersTimeout: 300_000 });
  const headers = authorization === undefined ? {} : { authorization };
  return {
    async read({ hash, sizeBytes }) {
      const { statusCode, body } = await client.request({ method: 'GET', path: `/cas/${hash}`, headers });
      let received = 0;
      for await (const piece of body) received += (piece as Buffer).length;
      if (statusCode !== 200 || received !== sizeBytes) throw new MillraceError('internal', `GET /cas answers ${statusCode} with ${received} bytes of ${sizeBytes}`);
    },
    async write({ digest, pieces }) {
      const { statusCode, body } = await client.request({ method: 'PUT', path: `/cas/${digest.hash}`, headers: { ...headers, 'content-length': String(digest.sizeBytes) }, body: Readable.from(slices(pieces)) });
      const text = await body.text();
      if (statusCode >= 300) throw new MillraceError('internal', `PUT /cas answers ${statusCode}: ${text.slice(0, 200)}`);
    },
    close: () => client.close(),
  };
}

function* slices(pieces: readonly Buffer[]): Generator<Buffer> {
  for (const piece of pieces) for (let at = 0; at < piece.length; at += 1024 * 1024) yield piece.subarray(at, at + 1024 * 1024);
}
