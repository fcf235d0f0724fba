import type { Logger } from 'pino';
import type { AssetDownloads } from '../../libs/cache-assets/asset-downloads.js';
import type { CacheAccess } from '../../libs/cache-access/cache-access.js';
import { judgedEvery } from '../../libs/cache-access/keep-judging.js';
import type { ArtifactCache } from '../../libs/cache-engine/artifact-cache.js';
import type { CacheMetrics } from './metrics/cache-metrics.js';

/** What the services of the cache stand on. */
export interface CacheContext {
  readonly cache: ArtifactCache;
  readonly access: CacheAccess;
  /** Undefined: no URL is downloaded. */
  readonly downloads?: AssetDownloads;
  readonly limits: CacheLimits;
  readonly log: Logger;
  readonly metrics?: Pick<CacheMetrics, 'begin' | 'message'>;
}

export interface CacheLimits {
  /** Bytes of the blobs of one batch, as they are and as Capabilities tell. */
  readonly batchBytes: number;
  /** Bytes of one message that a client sends. */
  readonly messageBytes: number;
  readonly streamsPerConnection: number;
  /** Open at a time, of one address. */
  readonly connectionsPerAddress: number;
  readonly callsPerAddress: number;
  /** Calls of the Remote Execution API with one request and one answer that are read and answered at a time, of one connection. */
  readonly callsPerConnection: number;
  /** Bytes that all connections together may have the process hold: begun messages, and answers that nobody takes. */
  readonly heldBytes: number;
  /** Milliseconds that a stream may stand still. */
  readonly streamIdle: number;
  /** Milliseconds after which whoever has called is judged again, for as long as the call runs. */
  readonly judgedEvery: number;
  /** Compressed streams at a time: each has a window of up to 32 MiB. */
  readonly compressedStreams: number;
}

const mebibyte = 1024 * 1024;

export const defaultCacheLimits: CacheLimits = {
  batchBytes: 4 * mebibyte,
  // 10,000 blobs of 400 bytes have digests of a mebibyte.
  messageBytes: 6 * mebibyte,
  streamsPerConnection: 1_000,
  // Whole farms may stand behind one address; an open call has up to 25 KiB.
  connectionsPerAddress: 2_000,
  callsPerAddress: 10_000,
  callsPerConnection: 32,
  heldBytes: 1024 * mebibyte,
  streamIdle: 300_000,
  judgedEvery,
  compressedStreams: 32,
};
