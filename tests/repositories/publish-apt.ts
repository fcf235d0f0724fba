import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { indexJob, type KnownDeb, type SpecKeys } from '../../libs/repository-formats/deb/__fixtures__/deb-repository.js';
import { debFormat } from '../../libs/repository-formats/deb/deb-format.js';
import type { IndexContent, WrittenIndex } from '../../libs/repository-formats/package-format.js';
import { s3Credentials, type S3Server } from '../../libs/testing/start-s3-server.js';

/** Where a repository lies, for its publisher and for its clients. */
export interface RepositoryPlace {
  readonly url: string;
  /** Whole or not at all. */
  put(name: string, content: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** A directory behind a plain HTTP server; `asked`: paths of the requests that it got. */
export async function serveDirectory(directory: string): Promise<RepositoryPlace & { readonly asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const name = decodeURIComponent(request.url ?? '');
    asked.push(name);
    try {
      response.end(readFileSync(path.join(directory, path.normalize(name))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let count = 0;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    put(name, content) {
      const file = path.join(directory, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(path.join(directory, `.put-${(count += 1)}`), content);
      renameSync(path.join(directory, `.put-${count}`), file);
      return Promise.resolve();
    },
    close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

/** A folder of a bucket that anybody may read. */
export async function openPublicBucket(server: S3Server, bucket: string, folder: string): Promise<RepositoryPlace> {
  const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY } });
  server.makeBucket(bucket);
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` };
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) }));
  return {
    url: `${server.endpoint}/${bucket}/${folder}`,
    async put(name, content) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: `${folder}/${name}`, Body: content }));
    },
    close: () => Promise.resolve(client.destroy()),
  };
}

/** Publishes states as the engine does: packages, then what nobody begins with, then the files that are switched, in their order. */
export function createAptPublisher(place: RepositoryPlace, options: { readonly directory: string; readonly key: SpecKeys }) {
  const cacheDirectory = mkdtempSync(path.join(options.directory, 'cache-'));
  const placed = new Set<string>();
  let state = 0;

  async function write(known: readonly KnownDeb[]): Promise<WrittenIndex> {
    state += 1;
    const workDirectory = mkdtempSync(path.join(options.directory, 'work-'));
    return debFormat.writeIndex(indexJob(known, { workDirectory, cacheDirectory, state, keys: options.key.keys, at: new Date(Date.now() - 60_000 + state * 10).toISOString() }));
  }

  async function putAll(files: readonly IndexContent[]): Promise<void> {
    for (const { path: name, content } of files) await place.put(name, Buffer.isBuffer(content) ? content : readFileSync(content.file));
  }

  return {
    write,
    putAll,
    async publish(known: readonly KnownDeb[]): Promise<void> {
      for (const { listed, bytes } of known.filter(({ listed: { key } }) => !placed.has(key))) {
        await place.put(listed.path, bytes);
        placed.add(listed.key);
      }
      const { immutable, switched } = await write(known);
      await putAll(immutable);
      await putAll(switched);
    },
  };
}
