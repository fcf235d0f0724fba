import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { readRepomd, type Repomd, type RepomdFile } from '../rpm/metadata/repomd.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import type { FetchChecked } from './checked-files.js';
import type { ContentStore } from './content-store.js';
import { isMissingFile } from './download.js';
import { findOwners } from './file-owners.js';
import type { MetadataCache, ParsedRepository } from './metadata-cache.js';
import { parsePackages } from './parse-packages.js';
import type { LoadedRepository, LoadOptions, SourceOptions } from './loaded-repository.js';
import { locationText, parseRepository, resolveHref, type SourceLocation } from './source-location.js';
import type { SourceLimits } from './source-limits.js';
import { unpackMetadata } from './unpack-metadata.js';

export interface LoadingParts {
  readonly content: ContentStore;
  readonly metadata: MetadataCache;
  readonly fetchChecked: FetchChecked;
  /** The repomd.xml as it is at the source now. */
  readonly readRepomdBytes: (repository: SourceLocation, options: SourceOptions) => Promise<Buffer>;
  readonly limits: SourceLimits;
}

const groupTypes = ['group', 'group_gz', 'group_xz', 'group_zst', 'group_bz2'];
const moduleTypes = ['modules', 'modules_gz', 'modules_xz', 'modules_zst'];

/** See `RepositorySource.load`. */
export async function loadRepository(parts: LoadingParts, pinned: { readonly url: string; readonly repomdSha256: string }, options: LoadOptions): Promise<LoadedRepository> {
  const { content, limits } = parts;
  if (!/^[0-9a-f]{64}$/.test(pinned.repomdSha256)) throw new MillraceError('invalid-request', 'a repository is pinned by the SHA-256 of its repomd.xml, 64 lower-case hex digits');
  const repository = parseRepository(pinned.url);
  const url = locationText(repository);
  const { repomd, packages: parsed } = (await parts.metadata.read(pinned.repomdSha256)) ?? (await parse());
  const packages = parsed.map(({ href, base, ...rest }): AvailablePackage => ({ ...rest, repository: options.index, location: locationText(resolveHref(repository, href, base)) }));

  async function parse(): Promise<ParsedRepository> {
    const pinnedRepomd = await readPinned(parts, repository, pinned.repomdSha256, options);
    const primary = pinnedRepomd.files.find(({ type }) => type === 'primary') as RepomdFile;
    const made = { repomd: pinnedRepomd, packages: await inFile(primary, limits.primaryBytes, (chunks) => parsePackages(chunks, { ...options, limits })) };
    // Before anything is kept, so that what is kept can be believed.
    for (const { href, base } of made.packages) resolveHref(repository, href, base);
    await parts.metadata.write(pinned.repomdSha256, made);
    return made;
  }

  /** Fetches, unpacks and checks; what `read` throws names the file. */
  async function inFile<T>(file: RepomdFile, unpackedBytes: number, read: (chunks: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
    const location = resolveHref(repository, file.href, file.base);
    const { sha256 } = await parts.fetchChecked({ location, checksum: file.checksum, size: file.size, limit: limits.metadataBytes }, options).catch((error: unknown) => explain(error));
    try {
      return await read(unpackMetadata(content.file(sha256), file, { signal: options.signal, unpackedBytes, limits }));
    } catch (error) {
      throw asInvalid(error, locationText(location));
    }
  }

  /** A file that is missing or another: says whether the repository has changed since it was pinned. */
  async function explain(error: unknown): Promise<never> {
    if (!isMissingFile(error) && !(isMillraceError(error) && error.code === 'source-changed')) throw error;
    const now = await parts.readRepomdBytes(repository, options).catch(() => undefined);
    if (now === undefined || sha256Of(now) === pinned.repomdSha256) throw error;
    throw new MillraceError('source-changed', `${url} has changed since it was pinned (${await difference(now, pinned.repomdSha256)}): ${errorMessage(error)}`, { cause: error });
  }

  async function document(types: readonly string[]): Promise<Buffer | undefined> {
    const file = types.map((type) => repomd.files.find((each) => each.type === type)).find((each) => each !== undefined);
    return file === undefined ? undefined : inFile(file, limits.unpackedDocumentBytes, whole);
  }

  return {
    url,
    repomd,
    packages,
    async findFileOwners(paths) {
      const filelists = repomd.files.find(({ type }) => type === 'filelists');
      if (filelists === undefined || paths.size === 0) return new Map();
      return inFile(filelists, limits.filelistsBytes, (chunks) => findOwners(chunks, packages, paths, options));
    },
    groups: () => document(groupTypes),
    modules: () => document(moduleTypes),
  };
}

/** From the content store, where pinning has put it; else from the source, if that still has it. */
async function readPinned(parts: LoadingParts, repository: SourceLocation, repomdSha256: string, options: SourceOptions): Promise<Repomd> {
  const kept = (await parts.content.has(repomdSha256)) ? await readFile(parts.content.file(repomdSha256)) : undefined;
  if (kept !== undefined && sha256Of(kept) === repomdSha256) return parseRepomd(repository, kept);
  const bytes = await parts.readRepomdBytes(repository, options);
  if (sha256Of(bytes) !== repomdSha256) throw new MillraceError('source-changed', `${locationText(repository)} has changed since it was pinned: ${await difference(bytes, repomdSha256)}`);
  return parseRepomd(repository, bytes);
}

/** Throws `source-invalid`. */
export async function parseRepomd(repository: SourceLocation, bytes: Buffer): Promise<Repomd> {
  try {
    return await readRepomd(Readable.from([bytes]));
  } catch (error) {
    throw asInvalid(error, locationText(repositoryFile(repository)));
  }
}

export function repositoryFile(repository: SourceLocation): SourceLocation {
  return resolveHref(repository, 'repodata/repomd.xml');
}

async function difference(bytes: Buffer, repomdSha256: string): Promise<string> {
  const revision = await readRepomd(Readable.from([bytes])).then((repomd) => `revision ${repomd.revision || 'without a name'}`, () => 'unreadable');
  return `its repomd.xml was ${repomdSha256.slice(0, 12)}… and is ${sha256Of(bytes).slice(0, 12)}… now, ${revision}`;
}

async function whole(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** What parsers refuse is the source's fault here, not the caller's. */
function asInvalid(error: unknown, where: string): unknown {
  if (!isMillraceError(error) || (error.code !== 'invalid-request' && error.code !== 'payload-too-large')) return error;
  return new MillraceError('source-invalid', `${where}: ${error.message}`, { cause: error });
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
