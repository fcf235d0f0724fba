import type { CacheDigest, DigestFunction } from '../cache/cache-digest.js';
import { checkDigest } from '../cache/check-entry.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { Digest} from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Directory } from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { demandSize } from '../remote-apis/read-directory.js';

/** A directory of the cache, its names fit for a file system. */
export interface TreeDirectory {
  readonly files: readonly { readonly name: string; readonly digest: CacheDigest; readonly executable: boolean }[];
  readonly links: readonly { readonly name: string; readonly target: string }[];
  readonly directories: readonly { readonly name: string; readonly digest: CacheDigest }[];
}

/** Errors: `source-invalid` for bytes that are no directory, or names that no directory has or has twice; `payload-too-large`. */
export function decodeDirectory(content: Buffer, digests: DigestFunction): TreeDirectory {
  demandSize(content);
  const message = decode(content);
  const names = new Set<string>();
  for (const { name } of [...message.files, ...message.symlinks, ...message.directories]) {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || Buffer.byteLength(name) > 255) throw invalid(`a name ${JSON.stringify(name.slice(0, 100))}`);
    if (names.has(name)) throw invalid(`${JSON.stringify(name.slice(0, 100))} twice`);
    names.add(name);
  }
  return {
    files: message.files.map(({ name, digest, isExecutable }) => ({ name, digest: toDigest(digest, digests), executable: isExecutable })),
    links: message.symlinks.map(({ name, target }) => {
      if (target === '' || target.includes('\0') || Buffer.byteLength(target) > 4095) throw invalid('a symbolic link that leads nowhere');
      return { name, target };
    }),
    directories: message.directories.map(({ name, digest }) => ({ name, digest: toDigest(digest, digests) })),
  };
}

function decode(content: Buffer): Directory {
  try {
    return Directory.decode(content);
  } catch (cause) {
    throw new MillraceError('source-invalid', 'bytes that are no directory of the cache', { cause });
  }
}

function toDigest(digest: Digest | undefined, named: DigestFunction): CacheDigest {
  const found: CacheDigest = { function: named, hash: digest?.hash ?? '', size: digest?.sizeBytes ?? 0 };
  checkDigest(found);
  return found;
}

function invalid(what: string): MillraceError {
  return new MillraceError('source-invalid', `a directory of the cache that has ${what}`);
}
