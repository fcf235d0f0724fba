import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { decompress, sniffCompression } from '../../inspectors/archives/decompress.js';
import { readKeyring } from '../../inspectors/openpgp/keyring.js';
import { describeFailures, verifyDetached } from '../../inspectors/openpgp/verify-signatures.js';
import type { Checksum } from '../../rpm/metadata/checksum.js';
import { readPackageList, type ListedPackage } from '../../rpm/metadata/primary.js';
import { readRepomd, type Repomd, type RepomdFile } from '../../rpm/metadata/repomd.js';
import { formatVersion } from '../../rpm/version.js';
import { canonicalFileName } from './package-place.js';

/** Files of an rpm-md repository, wherever it lies: a directory, a bucket, a web server. */
export interface RpmRepositoryFiles {
  /** The bytes of a file by its path below the repository, `limit` bytes at most. Rejects with `source-unavailable` or `source-invalid`. */
  open(path: string, options: { readonly limit: number; readonly signal?: AbortSignal }): AsyncIterable<Buffer>;
}

export interface ReadRepositoryOptions {
  /** Armoured OpenPGP keys: one of them has to have signed the `repomd.xml`. */
  readonly publicKeys?: string;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<typeof repositoryLimits>;
}

export interface RpmRepositoryContents {
  readonly revision: string;
  /** Lower-case hex: equal as long as nothing has changed. */
  readonly repomdSha256: string;
  /** Fingerprints of the keys that signed it, upper-case hex; empty without `publicKeys`. */
  readonly signedBy: readonly string[];
  readonly packages: readonly RpmRepositoryPackage[];
}

export interface RpmRepositoryPackage {
  readonly name: string;
  /** `[epoch:]version-release` */
  readonly version: string;
  readonly architecture: string;
  /** The file name that it has where it is published; undefined: it cannot be. */
  readonly key: string | undefined;
  /** Below the repository: plain, never leading out of it. */
  readonly path: string;
  /** Of the file; whoever fetches it has to compare. */
  readonly checksum: Checksum;
  /** Bytes; undefined when the metadata do not say. */
  readonly size: number | undefined;
}

const repositoryLimits = { repomdBytes: 4 * 1024 * 1024, primaryBytes: 256 * 1024 * 1024, unpackedBytes: 4 * 1024 * 1024 * 1024, packages: 300_000 };
const signatureBytes = 256 * 1024;
const bombs = { ratio: 200, ratioFrom: 64 * 1024 * 1024 };

/**
 * What a repository lists, out of its `repomd.xml` and `primary.xml`: the second is checked against the first, the first against its signature. Errors: `source-changed` (a file
 * is not what the repomd.xml says: broken, or in the middle of an update), `source-invalid` (hostile, broken or unsigned documents, limits), and those of `files`.
 */
export async function readRpmRepository(files: RpmRepositoryFiles, options: ReadRepositoryOptions = {}): Promise<RpmRepositoryContents> {
  const limits = { ...repositoryLimits, ...options.limits };
  const { signal } = options;
  const bytes = await readFile(files, 'repodata/repomd.xml', { limit: limits.repomdBytes, signal });
  const signedBy = options.publicKeys === undefined ? [] : await verifySignature(files, bytes, { ...options, publicKeys: options.publicKeys });
  const repomd = await inDocument('repodata/repomd.xml', () => readRepomd(Readable.from([bytes]), signal));
  const packages = await readPrimaryOf(files, repomd, { limits, signal });
  return { revision: repomd.revision, repomdSha256: createHash('sha256').update(bytes).digest('hex'), signedBy, packages };
}

async function verifySignature(files: RpmRepositoryFiles, repomd: Buffer, { publicKeys, signal }: ReadRepositoryOptions & { readonly publicKeys: string }): Promise<readonly string[]> {
  const signature = await readFile(files, 'repodata/repomd.xml.asc', { limit: signatureBytes, signal });
  const keyring = await readKeyring(Buffer.from(publicKeys)).catch((cause: unknown) => {
    throw new MillraceError('invalid-request', `the keys that the index has to be signed with cannot be read: ${errorMessage(cause)}`, { cause, suggestion: 'Give armoured public keys, as gpg --armor --export writes them.' });
  });
  const { verifiedBy, failures } = await inDocument('repodata/repomd.xml.asc', () => verifyDetached(repomd, signature, { keyring, signal }));
  if (verifiedBy.length > 0) return verifiedBy;
  throw new MillraceError('source-invalid', `repodata/repomd.xml is not signed by a key that is believed: ${describeFailures(failures)}`, {
    suggestion: 'Read it again: signature and file are published one after the other. If it stays so, compare the keys.',
  });
}

interface Reading {
  readonly limits: typeof repositoryLimits;
  readonly signal: AbortSignal | undefined;
}

/** Checked before it is read: whatever is wrong with it is wrong at the source then. Packed, it is some 40 MB for the largest distributions. */
async function readPrimaryOf(files: RpmRepositoryFiles, { files: declared }: Repomd, { limits, signal }: Reading): Promise<readonly RpmRepositoryPackage[]> {
  const { href, base, checksum, size } = declared.find(({ type }) => type === 'primary') as RepomdFile;
  if (base !== undefined) throw new MillraceError('source-invalid', 'repodata/repomd.xml names metadata outside of the repository (xml:base)');
  const path = await inDocument('repodata/repomd.xml', () => plainPath(href));
  const packed = await readFile(files, path, { limit: limits.primaryBytes, signal });
  if ((size !== undefined && packed.length !== size) || createHash(checksum.algorithm).update(packed).digest('hex') !== checksum.hex) {
    throw new MillraceError('source-changed', `${path} is not the file that the repomd.xml declares: the repository is broken, or in the middle of an update`);
  }
  return inDocument(path, async () => {
    const packages: RpmRepositoryPackage[] = [];
    let announced: number | undefined;
    for await (const listed of readPackageList(unpack(packed, { limits, signal }), { signal, onCount: (count) => (announced = count) })) {
      if (packages.length === limits.packages) throw limitExceeded(`the repository has more than ${limits.packages} packages`);
      packages.push(toPackage(listed));
    }
    if (announced !== undefined && announced !== packages.length) throw refusal(`it announces ${announced} packages, but lists ${packages.length}`);
    return packages;
  });
}

function toPackage(listed: ListedPackage): RpmRepositoryPackage {
  if (listed.base !== undefined) throw refusal(`the package ${JSON.stringify(listed.name.slice(0, 120))} lies outside of the repository (xml:base)`);
  return { name: listed.name, version: formatVersion(listed), architecture: listed.arch, key: keyOf(listed), path: plainPath(listed.href), checksum: listed.checksum, size: listed.size };
}

function keyOf(listed: ListedPackage): string | undefined {
  try {
    return canonicalFileName(listed);
  } catch {
    return undefined; // the package itself is refused for it, with the reason
  }
}

function unpack(packed: Buffer, { limits, signal }: Reading): AsyncIterable<Buffer> {
  const bounds = { unpackedBytes: limits.unpackedBytes, ...bombs };
  return decompress(Readable.from([packed], { objectMode: false }), { compression: sniffCompression(packed), packedSize: packed.length, limits: bounds, ...(signal === undefined ? {} : { signal }) });
}

/** Throws a reason for whatever leads out of the repository in any way of reading it. */
function plainPath(href: string): string {
  const segments = href.split('/');
  const plain = segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..' && /^[^\0-\x1f\x7f\\?#%:]{1,255}$/.test(segment));
  if (!plain || Buffer.byteLength(href) > 1024) throw refusal(`the metadata name the file ${JSON.stringify(href.slice(0, 200))}, which is no plain path below the repository`);
  return href;
}

async function readFile(files: RpmRepositoryFiles, path: string, { limit, signal }: { readonly limit: number; readonly signal: AbortSignal | undefined }): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of files.open(path, { limit, ...(signal === undefined ? {} : { signal }) })) {
    size += chunk.length;
    if (size > limit) throw new MillraceError('source-invalid', `${path} of the repository has more than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** What parsers refuse is the source's fault here. */
async function inDocument<Result>(path: string, read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    if (!isMillraceError(cause) || (cause.code !== 'invalid-request' && cause.code !== 'payload-too-large')) throw cause;
    throw new MillraceError('source-invalid', `${path} of the repository cannot be used: ${errorMessage(cause)}`, { cause });
  }
}
