import { createHash } from 'node:crypto';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { openArrivalRoom } from './arrival-room.js';
import { incomingKey, openPlace, type RepositoryEngineOptions } from './engine-options.js';
import { hashObject, type HashedObject } from '../object-storage/hash-object.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { findUpload } from '../repository-record/find-upload.js';
import type { Upload } from '../repository-record/repository-record.js';
import type { ReceiveOptions } from './repository-engine.js';

const uploadId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** See `RepositoryEngine.receive`. The object is there before the record knows of it: what a crash leaves between the two is taken up by the same upload, or found by a prune. */
export async function receivePackage(name: string, content: AsyncIterable<Buffer>, { given, engine }: { readonly given: ReceiveOptions; readonly engine: RepositoryEngineOptions }): Promise<Upload> {
  const { id, fileName, by, size, sha256, signal, spooled = true } = given;
  if (!uploadId.test(id)) throw new MillraceError('invalid-request', 'the id of an upload is a UUID in lower case');
  const { store } = await openPlace(name, engine);
  const { packageBytes } = engine;
  if (size !== undefined && size > packageBytes) throw tooLarge(fileName, packageBytes);
  const known = await findUpload(engine.reads, id);
  if (known !== undefined) return repeated(known, { ...given, repository: name });
  const room = await openArrivalRoom(engine.commands, { repository: name, by, spooled, size });
  try {
    const arriving = hashed(limited(room.limited(content), { fileName, packageBytes, size }));
    const stored = await store
      .put(incomingKey(id), { stream: arriving.content, ...(size === undefined ? {} : { size }) }, { condition: { absent: true }, ...(sha256 === undefined ? {} : { sha256 }), ...(signal === undefined ? {} : { signal }) })
      .catch((error: unknown) => {
        if (isMillraceError(error) && error.code === 'storage-conflict') return arrivedBefore(id, { store, arriving, signal, error });
        throw error;
      });
    if (stored.sha256 === undefined) throw new MillraceError('storage-unavailable', `the store did not say what it has of ${fileName}`);
    return await engine.commands.addUpload({ id, repository: name, fileName, sha256: stored.sha256, size: stored.size, by, spooled }, room.id);
  } catch (error) {
    await room.leave().catch(() => undefined); // it is given back after some time of silence
    throw error;
  }
}

/** The answer to the first was lost. Its bytes are not read again; what the client says of them has to be the same. */
function repeated(known: Upload, { id, repository, sha256, size }: ReceiveOptions & { readonly repository: string }): Upload {
  if (known.repository !== repository || sha256 !== known.sha256 || (size !== undefined && size !== known.size)) throw taken(id);
  return known;
}

function taken(id: string, cause?: unknown): MillraceError {
  return new MillraceError('idempotency-conflict', `the upload ${id} is there already, or on its way`, { cause, suggestion: 'Upload again under a new id; the same id is for the same bytes, with their sha256.' });
}

interface Arriving {
  readonly content: AsyncIterable<Buffer>;
  /** Of all that has come; undefined until it has. */
  digest(): string | undefined;
}

function hashed(content: AsyncIterable<Buffer>): Arriving {
  const hash = createHash('sha256');
  let digest: string | undefined;
  async function* passing(): AsyncIterable<Buffer> {
    for await (const chunk of content) {
      hash.update(chunk);
      yield chunk;
    }
    digest = hash.digest('hex');
  }
  return { content: passing(), digest: () => digest };
}

/** A process was killed when it had stored these very bytes and not recorded them: the client, who knows nothing of it, comes again. An object is there whole or not at all. */
async function arrivedBefore(id: string, { store, arriving, signal, error }: { readonly store: ObjectStore; readonly arriving: Arriving; readonly signal: AbortSignal | undefined; readonly error: MillraceError }): Promise<HashedObject> {
  const there = arriving.digest() === undefined ? undefined : await hashObject(store, incomingKey(id), { signal: signal ?? new AbortController().signal });
  if (there === undefined || there.sha256 !== arriving.digest()) throw taken(id, error);
  return there;
}

async function* limited(content: AsyncIterable<Buffer>, { fileName, packageBytes, size }: { readonly fileName: string; readonly packageBytes: number; readonly size: number | undefined }): AsyncIterable<Buffer> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > packageBytes) throw tooLarge(fileName, packageBytes);
    if (size !== undefined && bytes > size) throw wrongSize(fileName, size);
    yield chunk;
  }
  if (size !== undefined && bytes !== size) throw wrongSize(fileName, size);
}

function tooLarge(fileName: string, limit: number): MillraceError {
  return new MillraceError('payload-too-large', `${fileName} is larger than the ${limit} bytes that a package may have here`, { suggestion: 'MILLRACE_PACKAGE_BYTES is the limit.' });
}

function wrongSize(fileName: string, size: number): MillraceError {
  return new MillraceError('digest-mismatch', `${fileName} does not have the ${size} bytes that were announced`, { suggestion: 'Upload it again.' });
}
