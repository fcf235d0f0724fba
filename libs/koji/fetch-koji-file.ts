import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ChecksumIndex } from '../repository-source/checksum-index.js';
import type { ContentStore } from '../repository-source/content-store.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { checkPayload } from '../rpm/package/package-digests.js';
import { readPackageFile } from '../rpm/package/package-file.js';
import type { KojiRpm } from './koji-listing.js';
import { isMd5 } from './package-heads.js';

export interface FetchKojiFileParts {
  readonly source: Pick<RepositorySource, 'open' | 'clone'>;
  readonly content: ContentStore;
  /** The SHA-256 of files by what the hub has of them: MD5 of header and payload. */
  readonly known: ChecksumIndex;
}

const largestPackage = 16 * 1024 ** 3;

/**
 * Brings a package file into the content store, unless it is there. Koji has no digest of files, but one of header and payload, which signed copies share: that
 * must hold, and the digests that the package has of itself. Errors: those of `RepositorySource`; `source-changed` when they do not hold.
 */
export async function fetchKojiFile({ source, content, known }: FetchKojiFileParts, rpm: KojiRpm, location: string, options: SourceOptions): Promise<{ readonly sha256: string; readonly size: number }> {
  const checksum = isMd5(rpm.payloadHash) ? ({ algorithm: 'md5', hex: rpm.payloadHash } as const) : undefined;
  const sha256 = checksum === undefined ? undefined : await known.find(checksum, location);
  const stored = sha256 === undefined ? undefined : await content.size(sha256);
  if (sha256 !== undefined && stored !== undefined) return { sha256, size: stored };
  const limit = largestPackage;
  // Of a volume that is mounted here, without copying where the file system can.
  const added = (await content.adopt((part) => source.clone(location, part), { limit })) ?? (await content.add(source.open(location, { ...options, limit }), { limit }));
  await checkFile(content.file(added.sha256), rpm, location);
  if (checksum !== undefined) await known.remember(checksum, location, added.sha256);
  return added;
}

async function checkFile(file: string, rpm: KojiRpm, location: string): Promise<void> {
  const md5 = createHash('md5');
  try {
    const { head, payload } = await readPackageFile(createReadStream(file));
    md5.update(head.headerBytes);
    await checkPayload({ head, payload: seen(payload, (chunk) => md5.update(chunk)) });
  } catch (error) {
    if (!isMillraceError(error) || (error.code !== 'invalid-request' && error.code !== 'payload-too-large')) throw error;
    throw new MillraceError('source-changed', `${location} is damaged: ${error.message}`, { cause: error });
  }
  if (isMd5(rpm.payloadHash) && md5.digest('hex') !== rpm.payloadHash) {
    throw new MillraceError('source-changed', `${location} is not the file that Koji has: its header and payload do not have the digest of the hub's record`, { suggestion: 'Have an administrator of Koji compare the file with the database.' });
  }
}

async function* seen(chunks: AsyncIterable<Buffer>, see: (chunk: Buffer) => void): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}
