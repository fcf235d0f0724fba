import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { cachedFile, keepFile, touchFile } from '../repository-source/cache-files.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { isMissing } from '../errors/system-error.js';
import { isPrimaryPath } from '../rpm/metadata/primary-path.js';
import { publishedDependencies } from '../rpm/metadata/published-dependencies.js';
import { readPaths } from '../rpm/package/file-list.js';
import { readIdentity, type PackageIdentity } from '../rpm/package/package-details.js';
import { readPackageFile, type PackageHead } from '../rpm/package/package-file.js';
import { signatureTag, tag } from '../rpm/package/tags.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import type { KojiRpm } from './koji-listing.js';

/** What the head of a package file says that a hub does not. */
export interface HeadDetails extends PackageIdentity, Pick<AvailablePackage, 'sourceRpm' | 'dependencies' | 'files'> {
  /** Seconds since 1970. */
  readonly buildTime: number;
  /** All that are not in `files`. */
  readonly otherFiles: readonly string[];
}

export interface PackageHeads {
  /** Reads as much of the file as its head is, unless that is kept. Errors: those of `RepositorySource`; `source-invalid` for another package than the RPM. */
  read(rpm: KojiRpm, location: string, options: SourceOptions): Promise<HeadDetails>;
}

/** Bytes of a file that are a head at most; the parser has narrower limits. */
const headBytes = 1024 ** 3;
/** Changes with the shape of `HeadDetails`. */
const version = 'head-1';

export function createPackageHeads({ source, directory }: { readonly source: Pick<RepositorySource, 'open'>; readonly directory: string }): PackageHeads {
  async function kept(key: string): Promise<HeadDetails | undefined> {
    const file = cachedFile(directory, key, version);
    try {
      const text = await readFile(file, 'utf8');
      const body = text.slice(65);
      if (text.slice(0, 64) !== digestOf(key, body)) return undefined;
      await touchFile(file);
      return JSON.parse(body) as HeadDetails;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  return {
    async read(rpm, location, options) {
      const key = createHash('sha256').update(`${location}\n${rpm.payloadHash}`).digest('hex');
      const known = rpm.payloadHash === '' ? undefined : await kept(key);
      if (known !== undefined) return known;
      const details = await readHead(source, rpm, { location, options });
      const body = JSON.stringify(details);
      if (rpm.payloadHash !== '') await keepFile(directory, key, version, [Buffer.from(`${digestOf(key, body)}\n${body}`)]);
      return details;
    },
  };
}

/** The head of a package file, of which no more is read. Errors: those of `RepositorySource`. */
export async function withHead<T>(source: Pick<RepositorySource, 'open'>, location: string, options: SourceOptions, use: (head: PackageHead) => T): Promise<T> {
  const chunks = source.open(location, { ...options, limit: headBytes });
  try {
    return use((await readPackageFile(chunks)).head);
  } catch (error) {
    throw asInvalid(error, location);
  } finally {
    await chunks.return();
  }
}

function readHead(source: Pick<RepositorySource, 'open'>, rpm: KojiRpm, { location, options }: { readonly location: string; readonly options: SourceOptions }): Promise<HeadDetails> {
  return withHead(source, location, options, (head) => {
    const identity = readIdentity(head.header);
    refuseOther(rpm, { head, identity, location });
    const paths = readPaths(head.header);
    const isPrimary = new Set(paths.filter(isPrimaryPath));
    return {
      ...identity,
      sourceRpm: head.header.string(tag.sourceRpm) ?? '',
      buildTime: head.header.numbers(tag.buildTime)[0] ?? 0,
      dependencies: publishedDependencies(head.header, paths.map((path) => ({ path, type: 'file' }))),
      files: [...isPrimary],
      otherFiles: paths.filter((path) => !isPrimary.has(path)),
    };
  });
}

function refuseOther(rpm: KojiRpm, { head, identity, location }: { readonly head: PackageHead; readonly identity: PackageIdentity; readonly location: string }): void {
  const differs = (['name', 'epoch', 'version', 'release'] as const).some((part) => identity[part] !== rpm[part]) || (identity.arch !== rpm.arch && rpm.arch !== 'nosrc');
  const md5 = payloadHashOf(head);
  if (!differs && (md5 === undefined || !isMd5(rpm.payloadHash) || md5 === rpm.payloadHash)) return;
  throw new MillraceError('source-invalid', `${location} is not the package that the Koji hub has of that name`, { suggestion: 'Have an administrator of Koji compare the file with the database.' });
}

/** Lower-case hex: MD5 of header and payload, as the package says itself. */
export function payloadHashOf({ signature }: Pick<PackageHead, 'signature'>): string | undefined {
  return signature.bytes(signatureTag.md5)?.toString('hex');
}

export function isMd5(hex: string): boolean {
  return hex.length === 32;
}

/** What parsers refuse is the source's fault. */
export function asInvalid(error: unknown, location: string): unknown {
  if (!isMillraceError(error) || (error.code !== 'invalid-request' && error.code !== 'payload-too-large')) return error;
  return new MillraceError('source-invalid', `${location}: ${error.message}`, { cause: error });
}

function digestOf(key: string, body: string): string {
  return createHash('sha256').update(`${key}\n${body}`).digest('hex');
}
