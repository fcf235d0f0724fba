import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Checksum } from '../rpm/metadata/checksum.js';
import { cachedFile, keepFile, touchFile } from './cache-files.js';
import { isMissing } from '../errors/system-error.js';

/** The SHA-256 of content that metadata name by other checksums: learnt when the file is fetched. */
export interface ChecksumIndex {
  find(checksum: Checksum, location: string): Promise<string | undefined>;
  remember(checksum: Checksum, location: string, sha256: string): Promise<void>;
}

/** Two files with the same MD5 or SHA-1 can be made: what one place has says nothing of another. */
const collidable: ReadonlySet<string> = new Set(['md5', 'sha1']);

export function createChecksumIndex(directory: string): ChecksumIndex {
  const keyOf = ({ algorithm, hex }: Checksum, location: string): string => sha256Of(`${algorithm}:${hex}:${collidable.has(algorithm) ? location : ''}`);
  return {
    async find(checksum, location) {
      if (checksum.algorithm === 'sha256') return checksum.hex;
      const key = keyOf(checksum, location);
      const file = cachedFile(directory, key, 'sum');
      try {
        const [sha256, check] = (await readFile(file, 'utf8')).split('\n');
        await touchFile(file);
        return sha256 !== undefined && check === sha256Of(`${key}:${sha256}`) ? sha256 : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async remember(checksum, location, sha256) {
      if (checksum.algorithm === 'sha256') return;
      const key = keyOf(checksum, location);
      await keepFile(directory, key, 'sum', [Buffer.from(`${sha256}\n${sha256Of(`${key}:${sha256}`)}`)]);
    },
  };
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
