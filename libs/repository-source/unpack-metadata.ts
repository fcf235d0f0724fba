import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { decompress, sniffCompression } from '../inspectors/archives/decompress.js';
import { refusal } from '../inspection/refusal.js';
import type { RepomdFile } from '../rpm/metadata/repomd.js';
import type { SourceLimits } from './source-limits.js';

export interface UnpackOptions {
  readonly signal: AbortSignal;
  readonly unpackedBytes: number;
  readonly limits: Pick<SourceLimits, 'ratio' | 'ratioFrom'>;
}

/** The unpacked bytes of a metadata file; its compression is told by its first bytes, as names lie. At the end throws a reason when they do not have the open-checksum. */
export async function* unpackMetadata(path: string, { type, openChecksum, openSize }: RepomdFile, options: UnpackOptions): AsyncGenerator<Buffer, void> {
  const { head, packedSize } = await look(path);
  const limits = { ...options.limits, unpackedBytes: Math.min(options.unpackedBytes, openSize ?? Infinity) };
  const hash = openChecksum === undefined ? undefined : createHash(openChecksum.algorithm);
  for await (const chunk of decompress(createReadStream(path), { compression: sniffCompression(head), packedSize, limits, signal: options.signal })) {
    hash?.update(chunk);
    yield chunk;
  }
  if (hash !== undefined && hash.digest('hex') !== openChecksum?.hex) throw refusal(`the ${type} metadata unpacked do not have the open-checksum that the repomd.xml declares`);
}

async function look(path: string): Promise<{ head: Buffer; packedSize: number }> {
  const handle = await open(path, 'r');
  try {
    const head = Buffer.alloc(16);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return { head: head.subarray(0, bytesRead), packedSize: (await handle.stat()).size };
  } finally {
    await handle.close();
  }
}
