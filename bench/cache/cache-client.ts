import type { Digest } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { BenchBlob } from './bench-blobs.js';

/** One client with a connection of its own. Rejects where an answer is not whole. */
export interface CacheClient {
  read(digest: Digest): Promise<void>;
  write(blob: BenchBlob): Promise<void>;
  close(): Promise<void>;
}
