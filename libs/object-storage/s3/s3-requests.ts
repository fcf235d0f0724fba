import { S3Client } from '@aws-sdk/client-s3';
import type { BucketLocation } from '../bucket-location.js';
import { assertObjectKey } from '../object-key.js';
import type { ReadS3Keys, S3Keys } from '../s3-credentials.js';
import { asS3Error, nameOf, refusesCredentials } from './s3-errors.js';

/** One bucket of one service, as the operations of a store ask it. */
export interface S3Requests {
  readonly bucket: string;
  readonly prefix: string;
  /** Of the bucket. Errors: `invalid-request`. */
  keyOf(key: string): string;
  /** What the SDK's own attempts do not get done is thrown as it is. With keys that have changed where they are kept, once more. */
  ask<T>(signal: AbortSignal | undefined, request: (client: S3Client, how: { abortSignal?: AbortSignal }) => Promise<T>): Promise<T>;
  /** The same, as an error of stores. `what` is for messages. */
  attempt<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** Each after a growing, random pause; answers that may be lost, a service that is busy and a clock that is wrong are all in it. */
const attempts = 5;
/** Milliseconds. A service may copy a gigabyte before it answers. */
const connectionTimeout = 10_000;
const requestTimeout = 300_000;

interface Signed {
  readonly client: S3Client;
  readonly keys: S3Keys | undefined;
}

export function s3Requests(location: BucketLocation, readKeys: ReadS3Keys | undefined): S3Requests {
  const clients: S3Client[] = [];
  let signed: Promise<Signed> | undefined;

  async function open(): Promise<Signed> {
    const keys = await readKeys?.();
    const client = createClient(location, keys);
    clients.push(client);
    return { client, keys };
  }

  function current(): Promise<Signed> {
    signed ??= open().catch((error: unknown) => {
      signed = undefined;
      throw error;
    });
    return signed;
  }

  /** With other keys than those; undefined: there are none. What runs with the old ones goes on. */
  async function renewed(old: Signed): Promise<Signed | undefined> {
    if (readKeys === undefined) return undefined;
    const now = await current();
    if (now !== old) return now;
    const keys = await readKeys();
    if (keys.accessKeyId === old.keys?.accessKeyId && keys.secretAccessKey === old.keys.secretAccessKey) return undefined;
    if ((await current()) === old) signed = undefined;
    return current();
  }

  return {
    bucket: location.bucket,
    prefix: location.prefix,
    keyOf(key) {
      assertObjectKey(key);
      return `${location.prefix}${key}`;
    },
    async ask(signal, request) {
      const used = await current();
      const how = signal === undefined ? {} : { abortSignal: signal };
      try {
        return await request(used.client, how);
      } catch (error) {
        signal?.throwIfAborted();
        // The SDK has learnt the service's time from the answer; it tries again by itself only where the clocks are far apart.
        if (nameOf(error) === 'RequestTimeTooSkewed') return request(used.client, how);
        const other = refusesCredentials(error) ? await renewed(used) : undefined;
        if (other === undefined) throw error;
        return request(other.client, how);
      }
    },
    async attempt(what, signal, work) {
      try {
        signal?.throwIfAborted();
        return await work();
      } catch (error) {
        signal?.throwIfAborted();
        throw asS3Error(error, what);
      }
    },
    close: () => clients.forEach((client) => client.destroy()),
  };
}

function createClient({ region, pathStyle, endpoint }: BucketLocation, keys: S3Keys | undefined): S3Client {
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    maxAttempts: attempts,
    // Other servers refuse the trailers that the SDK sends by itself; the signature covers the SHA-256 of every body that is sent here.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout, requestTimeout, throwOnRequestTimeout: true, httpsAgent: { maxSockets: 64 }, httpAgent: { maxSockets: 64 } },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(keys === undefined ? {} : { credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey } }),
  });
}
