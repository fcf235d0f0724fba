import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readParagraphs, type Paragraph } from '../../deb/control-file.js';
import { safeFileName } from '../../deb/file-name.js';
import { packageFileName } from '../../deb/pool-path.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { asStorageError } from '../../errors/system-error.js';
import { refusal } from '../../inspection/refusal.js';
import { archiveLimits } from '../../inspectors/archives/archive-limits.js';
import { decompress } from '../../inspectors/archives/decompress.js';
import type { ExistingPackage, ExistingPlace, ReadExistingOptions } from '../../repository-import/existing-repository.js';
import { compressionOfName } from './compression-of-name.js';
import { toSourceInvalid } from './source-invalid.js';

/** An index that the Release declares. */
export interface DeclaredIndex {
  /** Below the base: `dists/bookworm/main/binary-amd64/Packages.xz`. */
  readonly path: string;
  /** Where it lies by its hash as well; undefined: nowhere. */
  readonly byHash: string | undefined;
  readonly size: number;
  readonly digest: string;
  readonly component: string;
}

/** Of an index, packed and unpacked; those of the largest archives have 10 and 60 MB. */
const packedLimit = 512 * 1024 * 1024;
const unpackedLimit = 2 * 1024 ** 3;
const wanted: ReadonlySet<string> = new Set(['package', 'version', 'architecture', 'filename', 'size', 'sha256', 'sha512', 'package-type']);

/** The packages of one index, after all of it was compared with its digest: nothing is believed before. Errors: `source-changed` (another digest), `source-invalid`, and those of the place. */
export async function* readPackagesIndex(place: ExistingPlace, index: DeclaredIndex, options: ReadExistingOptions): AsyncGenerator<ExistingPackage, void> {
  const where = `${index.path} at ${place.name}`;
  const file = path.join(options.workDirectory, `Packages-${randomUUID()}`);
  try {
    await fetchIndex(place, index, { ...options, file });
    const limits = { ...archiveLimits, unpackedBytes: unpackedLimit };
    const unpacked = decompress(createReadStream(file), { compression: compressionOfName(index.path), packedSize: index.size, limits, signal: options.signal });
    for await (const paragraph of readParagraphs(unpacked, { wanted, signal: options.signal })) {
      options.onProgress?.();
      if ((paragraph.get('package-type') ?? 'deb') === 'deb') yield packageOf(paragraph, index.component);
    }
  } catch (error) {
    throw toSourceInvalid(where, error);
  } finally {
    await rm(file, { force: true });
  }
}

interface FetchOptions extends ReadExistingOptions {
  readonly file: string;
}

/** By its hash where it lies there, which no change of the repository touches; else, and when that is missing, by its name. */
async function fetchIndex(place: ExistingPlace, index: DeclaredIndex, options: FetchOptions): Promise<void> {
  if (index.size > packedLimit) throw new MillraceError('source-invalid', `an index of ${index.size} bytes is larger than ${packedLimit} bytes`);
  if (index.byHash !== undefined) {
    try {
      return await fetchFile(place, index.byHash, { index, options });
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'source-invalid') throw error;
    }
  }
  await fetchFile(place, index.path, { index, options });
}

async function fetchFile(place: ExistingPlace, name: string, { index, options }: { readonly index: DeclaredIndex; readonly options: FetchOptions }): Promise<void> {
  const hash = createHash(index.digest.length === 64 ? 'sha256' : 'sha512');
  let size = 0;
  const hashed = async function* (): AsyncGenerator<Buffer, void> {
    for await (const chunk of place.open(name, { ...options, limit: index.size, size: index.size })) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  };
  try {
    await pipeline(Readable.from(hashed(), { objectMode: false }), createWriteStream(options.file, { mode: 0o600 }), { signal: options.signal });
  } catch (error) {
    throw asStorageError(error, options.workDirectory);
  }
  if (size === index.size && hash.digest('hex') === index.digest) return;
  throw new MillraceError('source-changed', `${name} at ${place.name} is not what its Release file declares: damaged, or the repository was changed since it was read`);
}

function packageOf(paragraph: Paragraph, component: string): ExistingPackage {
  const name = (paragraph.get('package') ?? '').slice(0, 200);
  const [file, size] = [paragraph.get('filename') ?? '', paragraph.get('size') ?? ''];
  const [sha256, sha512] = [paragraph.get('sha256')?.toLowerCase(), paragraph.get('sha512')?.toLowerCase()];
  if (!/^\d{1,15}$/.test(size)) throw refusal(`the index has no Size of the package ${JSON.stringify(name)}`);
  const checksum = isHex(sha256, 64) ? ({ algorithm: 'sha256', value: sha256 } as const) : isHex(sha512, 128) ? ({ algorithm: 'sha512', value: sha512 } as const) : undefined;
  if (checksum === undefined) throw refusal(`the index has no SHA-256 or SHA-512 of the package ${JSON.stringify(name)}; MD5 and SHA-1 are not believed`);
  return { path: safeFileName(file), size: Number(size), checksum, component, key: packageFileName({ name, version: paragraph.get('version') ?? '', architecture: paragraph.get('architecture') ?? '' }) };
}

function isHex(text: string | undefined, length: number): text is string {
  return text?.length === length && /^[0-9a-f]+$/.test(text);
}
