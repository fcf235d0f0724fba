import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { Repomd } from '../rpm/metadata/repomd.js';
import { cachedFile, keepFile, touchFile } from './cache-files.js';
import type { ParsedPackage } from './parse-packages.js';
import { isMissing } from '../errors/system-error.js';

export interface ParsedRepository {
  readonly repomd: Repomd;
  readonly packages: readonly ParsedPackage[];
}

/** Parsed metadata by the digest of the repomd.xml that all of them were checked against. */
export interface MetadataCache {
  /** Undefined when it is not there, or is not what was written. */
  read(repomdSha256: string): Promise<ParsedRepository | undefined>;
  write(repomdSha256: string, repository: ParsedRepository): Promise<void>;
}

/** Changes with the shape of `ParsedRepository` and with what is refused in metadata: what was made by other rules is made again. */
const version = 'packages-1';
const digestBytes = 32;

export function createMetadataCache(directory: string): MetadataCache {
  return {
    async read(repomdSha256) {
      const file = cachedFile(directory, repomdSha256, version);
      let bytes: Buffer;
      try {
        bytes = await readFile(file);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      const body = bytes.subarray(digestBytes);
      if (!digestOf(repomdSha256, body).equals(bytes.subarray(0, digestBytes))) return undefined;
      await touchFile(file);
      return deserialize(body) as ParsedRepository;
    },
    async write(repomdSha256, repository) {
      const body = serialize(repository);
      await keepFile(directory, repomdSha256, version, [digestOf(repomdSha256, body), body]);
    },
  };
}

function digestOf(repomdSha256: string, body: Buffer): Buffer {
  return createHash('sha256').update(`${version}\n${process.versions.v8}\n${repomdSha256}\n`).update(body).digest();
}
