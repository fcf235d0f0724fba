import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import type { Settings } from '../settings/settings.js';
import { sweepCache } from './cache-files.js';
import { createCheckedFetch } from './checked-files.js';
import { createChecksumIndex } from './checksum-index.js';
import type { ContentStore } from './content-store.js';
import { isMissingFile } from './download.js';
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.js';
import { loadRepository, parseRepomd, repositoryFile } from './load-repository.js';
import type { LoadedRepository, LoadOptions, SourceOptions } from './loaded-repository.js';
import { createLocalCloner, createLocalReader } from './local-files.js';
import { createMetadataCache } from './metadata-cache.js';
import { createReadSource, readDocument } from './read-source.js';
import { locationText, parseLocation, parseRepository, type SourceLocation } from './source-location.js';
import { sourceLimits, type SourceLimits } from './source-limits.js';

export type { LoadedRepository, LoadOptions, SourceOptions } from './loaded-repository.js';

/**
 * Reads rpm-md repositories at http(s) URLs and, below the configured places, at local paths. Every byte is checked against the digests of the `repomd.xml`
 * that was read first. Errors: `source-unavailable` (cannot be reached, answers 5xx; worth another attempt), `source-changed` (a file is not what that
 * repomd.xml says), `source-invalid` (404, hostile or broken documents, limits), `forbidden` (address or path that policy does not allow), `storage-full`.
 */
export interface RepositorySource {
  /** One look at `repodata/repomd.xml`. */
  pin(url: string, options: SourceOptions): Promise<{ readonly revision: string; readonly repomdSha256: string }>;
  /** The repository as it was when pinned; metadata is kept by the digest of repomd.xml. */
  load(pinned: { readonly url: string; readonly repomdSha256: string }, options: LoadOptions): Promise<LoadedRepository>;
  /** Brings a package file into the content store, unless it is there; answers its SHA-256. The checksum that the metadata declares must hold. */
  fetch(file: Pick<AvailablePackage, 'location' | 'checksum' | 'size'>, options: SourceOptions): Promise<{ readonly sha256: string; readonly size: number }>;
  /** A small document, as JSON metadata of Pungi composes: at most 64 MiB. */
  read(url: string, options: SourceOptions): Promise<Buffer>;
  /** The bytes of a file that nothing here declares a digest of: they may be of two states of it, and the caller checks them. `limit`: bytes. */
  open(location: string, options: SourceOptions & { readonly limit: number }): AsyncGenerator<Buffer, void>;
  /** The same bytes at `target`, which is not there yet, without copying them: see `createLocalCloner`. False: they have to be copied. */
  clone(location: string, target: string): Promise<boolean>;
}

/** What a process holds on to, and what only it can tidy. */
export interface OpenRepositorySource extends RepositorySource {
  /** Removes parsed metadata and checksums that nobody has used for this long. Answers how many files. */
  sweep(idleMilliseconds: number): Promise<number>;
  /** Ends all connections. */
  close(): Promise<void>;
}

export interface RepositorySourceOptions {
  readonly settings: Pick<Settings, 'composeSourcePaths' | 'composeAllowDestinations' | 'forbiddenPorts' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa'>;
  readonly content: ContentStore;
  /** Absolute path: parsed metadata and learnt checksums, which can all be made again. Processes may share it. */
  readonly directory: string;
  /** Of Millrace; sources see it as `millrace/<version>`. */
  readonly version: string;
  readonly limits?: Partial<SourceLimits>;
  /** All addresses of a name; the system's resolver when not given. */
  readonly resolve?: HttpClientOptions['resolve'];
}

export function createRepositorySource(options: RepositorySourceOptions): OpenRepositorySource {
  const { settings, content, directory } = options;
  const limits = { ...sourceLimits, ...options.limits };
  const [parsedDirectory, checksumDirectory] = [path.join(directory, 'parsed'), path.join(directory, 'checksums')];
  for (const each of [parsedDirectory, checksumDirectory]) mkdirSync(each, { recursive: true, mode: 0o700 });
  const client = createSourceClient({ ...options, limits });
  const read = createReadSource({ client, readLocal: createLocalReader(settings.composeSourcePaths), limits });
  const cloneLocal = createLocalCloner(settings.composeSourcePaths);
  const fetchChecked = createCheckedFetch({ content, checksums: createChecksumIndex(checksumDirectory), read });
  const metadata = createMetadataCache(parsedDirectory);

  /** Into the content store, so that `load` finds what `pin` saw. */
  async function readRepomdBytes(repository: SourceLocation, { signal, onProgress }: SourceOptions): Promise<Buffer> {
    const bytes = await readDocument(read, repositoryFile(repository), { limit: limits.repomdBytes, signal, onProgress }, limits).catch((error: unknown) => {
      if (!isMissingFile(error)) throw error;
      throw new MillraceError('source-invalid', `${locationText(repository)} is no repository: it has no repodata/repomd.xml`, { cause: error, suggestion: 'Give the base URL of an rpm-md repository, no mirror list, metalink or .repo file.' });
    });
    await content.add(asChunks(bytes));
    return bytes;
  }

  return {
    async pin(url, sourceOptions) {
      const repository = parseRepository(url);
      const bytes = await readRepomdBytes(repository, sourceOptions);
      const { revision } = await parseRepomd(repository, bytes);
      return { revision, repomdSha256: createHash('sha256').update(bytes).digest('hex') };
    },
    load: (pinned, loadOptions) => loadRepository({ content, metadata, fetchChecked, readRepomdBytes, limits }, pinned, loadOptions),
    async fetch({ location, checksum, size }, { signal, onProgress }) {
      return fetchChecked({ location: parseLocation(location), checksum, size, limit: limits.packageBytes }, { signal, onProgress }).catch((error: unknown) => {
        if (!isMissingFile(error)) throw error;
        throw new MillraceError('source-invalid', `${errorMessage(error)}, although the metadata list it: the repository is incomplete, or has changed since its metadata were read`, { cause: error });
      });
    },
    open: (location, { limit, signal, onProgress }) => read(parseLocation(location), { limit, signal, onProgress }),
    async clone(location, target) {
      const parsed = parseLocation(location);
      return parsed.kind === 'path' && cloneLocal(parsed.path, target);
    },
    read: async (url, { signal, onProgress }) => readDocument(read, parseLocation(url), { limit: limits.documentBytes, signal, onProgress }, limits),
    sweep: async (idleMilliseconds) => (await sweepCache(parsedDirectory, idleMilliseconds)) + (await sweepCache(checksumDirectory, idleMilliseconds)),
    close: () => client.close(),
  };
}

/** What sources are asked with: the guard, the authorities and the parent proxy that the settings name. */
export function createSourceClient({ settings, version, limits, resolve, tls }: Pick<RepositorySourceOptions, 'settings' | 'version' | 'resolve'> & Pick<HttpClientOptions, 'tls'> & { readonly limits: SourceLimits }): HttpClient {
  return createHttpClient({
    allow: settings.composeAllowDestinations,
    forbiddenPorts: settings.forbiddenPorts,
    upstreamProxy: settings.upstreamProxy,
    upstreamNoProxy: settings.upstreamNoProxy,
    upstreamCa: settings.upstreamCa,
    userAgent: `millrace/${version}`,
    limits,
    tls,
    ...(resolve === undefined ? {} : { resolve }),
  });
}

async function* asChunks(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
