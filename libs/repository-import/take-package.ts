import { createHash } from 'node:crypto';
import path from 'node:path';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { hashObject } from '../object-storage/hash-object.js';
import { derivedUuid } from '../repository-engine/derived-uuid.js';
import { incomingKey } from '../repository-engine/engine-options.js';
import { openPackageBytes } from '../repository-engine/package-bytes.js';
import { inspectHere, type PackageInspection } from '../repository-engine/package-inspection.js';
import type { RepositoryEngine } from '../repository-engine/repository-engine.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import { findUpload } from '../repository-record/find-upload.js';
import type { RepositoryCommands, RepositoryReads, Upload } from '../repository-record/repository-record.js';
import type { Repository } from '../repository/repository.js';
import type { ExistingPackage, ExistingPlace } from './existing-repository.js';

export interface TakeParts {
  readonly engine: Pick<RepositoryEngine, 'receive'>;
  readonly commands: Pick<RepositoryCommands, 'addUpload' | 'describeUpload'>;
  readonly reads: Pick<RepositoryReads, 'upload' | 'package'>;
  /** Bytes that one package file may have. */
  readonly packageBytes: number;
  readonly inspection?: PackageInspection;
}

export interface Taking {
  readonly parts: TakeParts;
  readonly repository: Repository;
  readonly store: ObjectStore;
  readonly format: PackageFormat;
  readonly place: ExistingPlace;
  /** The place is the repository's own: nothing is copied. */
  readonly inPlace: boolean;
  readonly by: string;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

export interface TakenPackage {
  readonly upload: string;
  readonly bytes: number;
}

/**
 * Brings a package of an upstream into the spool, checked against the digest of its index, and inspects it. Done before, nothing is fetched again. Errors: `digest-mismatch`,
 * `source-invalid`, `source-changed`, `forbidden` (the upstream's fault); `package-invalid`, `package-conflict` (the package's); those of the store and of the network.
 */
export async function takePackage(wanted: ExistingPackage, taking: Taking): Promise<TakenPackage> {
  const id = derivedUuid(`import ${taking.repository.name} ${wanted.checksum.algorithm}:${wanted.checksum.value} ${wanted.path}`);
  const known = await findUpload(taking.parts.reads, id);
  const upload = known !== undefined && (await isStillThere(known, wanted, taking)) ? known : await bring(id, wanted, taking);
  if (upload.key === null) await inspect(upload, wanted, taking);
  return { upload: id, bytes: upload.size };
}

async function isStillThere({ id, size }: Upload, wanted: ExistingPackage, { store, inPlace, signal }: Taking): Promise<boolean> {
  if ((await store.head(incomingKey(id), { signal }))?.size === size) return true;
  return inPlace && (await store.head(wanted.path, { signal }))?.size === size;
}

async function bring(id: string, wanted: ExistingPackage, taking: Taking): Promise<Upload> {
  if (wanted.size !== undefined && wanted.size > taking.parts.packageBytes) throw tooLarge(wanted.path, taking);
  return taking.inPlace ? recordInPlace(id, wanted, taking) : fetch(id, wanted, taking);
}

async function fetch(id: string, { path: from, size, checksum }: ExistingPackage, { parts, repository, store, place, by, signal, onProgress }: Taking): Promise<Upload> {
  // What an attempt before has left, whose end nobody knows.
  await store.remove([incomingKey(id)], { signal });
  const sized = size === undefined ? {} : { size };
  const content = verified(place.open(from, { limit: parts.packageBytes, signal, onProgress, ...sized }), { from, checksum });
  return parts.engine.receive(repository.name, content, { id, fileName: path.posix.basename(from), by, signal, spooled: false, ...sized, ...(checksum.algorithm === 'sha256' ? { sha256: checksum.value } : {}) });
}

/** Before the last of its bytes is given on, so that what is wrong is never whole. */
async function* verified(content: AsyncIterable<Buffer>, { from, checksum }: { readonly from: string } & Pick<ExistingPackage, 'checksum'>): AsyncGenerator<Buffer, void> {
  const hash = createHash(checksum.algorithm);
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== checksum.value) throw mismatch(from, found, checksum);
}

function tooLarge(from: string, { parts }: Pick<Taking, 'parts'>): MillraceError {
  return new MillraceError('payload-too-large', `${from} is larger than the ${parts.packageBytes} bytes that a package may have here`, { suggestion: 'MILLRACE_PACKAGE_BYTES is the limit.' });
}

function mismatch(from: string, found: string, { algorithm, value }: ExistingPackage['checksum']): MillraceError {
  return new MillraceError('digest-mismatch', `${from} has the ${algorithm} digest ${found}, and the index says ${value}`);
}

/** Its bytes are read and stay where they are. */
async function recordInPlace(id: string, { path: from, checksum }: ExistingPackage, { parts, repository, store, by, signal, onProgress }: Taking): Promise<Upload> {
  const hashed = await hashObject(store, from, { signal, algorithm: checksum.algorithm, onBytes: onProgress });
  if (hashed === undefined) throw new MillraceError('source-invalid', `${from} is listed by the index, and is not there`);
  if (hashed.digest !== checksum.value) throw mismatch(from, hashed.digest, checksum);
  if (hashed.size > parts.packageBytes) throw tooLarge(from, { parts });
  return parts.commands.addUpload({ id, repository: repository.name, fileName: path.posix.basename(from), sha256: hashed.sha256, size: hashed.size, by, spooled: false });
}

async function inspect(upload: Upload, wanted: ExistingPackage, taking: Taking): Promise<void> {
  const { parts, repository, store, format, inPlace, signal } = taking;
  const bytes = await openPackageBytes(store, inPlace ? wanted.path : incomingKey(upload.id), signal);
  if (bytes === undefined) throw new MillraceError('storage-unavailable', `${wanted.path} was taken in, and is not in the store`);
  const inspected = await (parts.inspection ?? inspectHere).inspect(format, bytes, { sha256: upload.sha256, settings: repository.settings, signal });
  await refuseConflict(inspected.key, upload.sha256, taking);
  const at = format.pathOf(inspected, wanted.component);
  // A layout of its own: the repository has its packages where its kind has them, and the old object is a stranger then.
  if (inPlace && at !== wanted.path) await store.copy(wanted.path, incomingKey(upload.id), { sha256: upload.sha256, signal });
  await parts.commands.describeUpload(upload.id, { ...inspected, path: at, component: wanted.component });
}

/** The others of its change need not wait for what can never be. */
async function refuseConflict(key: string, sha256: string, { parts, repository }: Taking): Promise<void> {
  try {
    const published = await parts.reads.package(repository.name, key);
    if (published.sha256 === sha256) return;
    throw new MillraceError('package-conflict', `${key} was published with the SHA-256 ${published.sha256}, and its upstream has it with ${sha256}: what is published is never overwritten`);
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'package-not-found') throw error;
  }
}
