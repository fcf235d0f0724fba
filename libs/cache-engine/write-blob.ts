import { digestText, isEmptyBlob, type CacheDigest } from '../cache/cache-digest.js';
import type { BlobPlace, NewBlob } from '../cache-record/cache-record.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ObjectContent } from '../object-storage/object-store.js';
import { createBlobHash, hashOf } from './blob-hash.js';
import { checkPushedDigest } from './check-pushed-digest.js';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { inlineBytes, newObjectKey, type CacheParts } from './cache-parts.js';
import { spooledBlob } from './spooled-blob.js';
import type { Push, SmallBlob } from './artifact-cache.js';

/** Objects of one batch that are written at once. */
const writesAtOnce = 8;

/** One blob as it streams: nothing is read beyond what its digest promises. */
export async function writeBlob(parts: CacheParts, { instance: name, digest, content, push }: { readonly instance: string; readonly digest: CacheDigest; readonly content: AsyncIterable<Buffer>; readonly push: Push }): Promise<void> {
  const instance = parts.instance(name);
  checkPushedDigest(instance, digest);
  if (isEmptyBlob(digest) || (await parts.record.present(instance.name, [digest]))[0] === true) return;
  await parts.admit(instance, digest.size);
  const spooled = spooledBlob(await parts.spool(digest.size));
  try {
    const hash = await createBlobHash(digest.function);
    for await (const chunk of content) {
      push.signal?.throwIfAborted();
      demandNoMore(digest, spooled.size + chunk.length);
      hash.update(chunk);
      await spooled.append(chunk);
    }
    push.signal?.throwIfAborted();
    demandDigest(digest, spooled.size, hash.digest());
    await keepBlob(parts, { instance: instance.name, digest, content: await spooled.content(), push });
  } finally {
    await spooled.discard();
  }
}

/** Verified content becomes visible. */
export async function keepBlob(
  parts: Pick<CacheParts, 'record' | 'store'>,
  { instance, digest, content, push }: { readonly instance: string; readonly digest: CacheDigest; readonly content: Buffer | Extract<ObjectContent, { readonly file: string }>; readonly push: Push },
): Promise<void> {
  const place = Buffer.isBuffer(content) && content.length <= inlineBytes ? { content } : await storedObject(parts, { instance, digest, content, push });
  await parts.record.commitBlobs(instance, [{ digest, place }], push.by);
}

async function storedObject({ record, store }: Pick<CacheParts, 'record' | 'store'>, { instance, digest, content, push }: { readonly instance: string; readonly digest: CacheDigest; readonly content: ObjectContent; readonly push: Push }): Promise<BlobPlace> {
  const object = newObjectKey(instance, digest);
  await record.announceObject(instance, object);
  await store.put(object, content, push.signal === undefined ? {} : { signal: push.signal });
  return { object };
}

/** Many at once: each has an outcome of its own, and all that are good become visible in one step. */
export async function writeBlobs(parts: CacheParts, { instance: name, blobs, push }: { readonly instance: string; readonly blobs: readonly SmallBlob[]; readonly push: Push }): Promise<readonly (Error | undefined)[]> {
  const instance = parts.instance(name);
  const outcomes = await Promise.all(
    blobs.map(async ({ digest, content }) => {
      try {
        checkPushedDigest(instance, digest);
        demandDigest(digest, content.length, await hashOf(digest.function, content));
        return undefined;
      } catch (error) {
        if (!isMillraceError(error)) throw error;
        return error;
      }
    }),
  );
  const good = new Map<string, SmallBlob>();
  blobs.forEach((blob, index) => {
    if (outcomes[index] === undefined && !isEmptyBlob(blob.digest)) good.set(digestText(blob.digest), blob);
  });
  const failed = await keepBlobs(parts, { instance: instance.name, blobs: [...good.values()], push });
  return blobs.map(({ digest }, index) => outcomes[index] ?? failed.get(digestText(digest)));
}

/** Answers what could not be kept, by its digest. */
async function keepBlobs(parts: CacheParts, { instance, blobs, push }: { readonly instance: string; readonly blobs: readonly SmallBlob[]; readonly push: Push }): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>();
  if (blobs.length === 0) return failed;
  const present = await parts.record.present(instance, blobs.map(({ digest }) => digest));
  const absent = blobs.filter((_, index) => present[index] !== true);
  const whole: NewBlob[] = [];
  await forEachAtOnce(absent, writesAtOnce, async ({ digest, content }) => {
    push.signal?.throwIfAborted();
    try {
      await parts.admit(parts.instance(instance), digest.size);
      whole.push({ digest, place: content.length <= inlineBytes ? { content } : await storedObject(parts, { instance, digest, content, push }) });
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      failed.set(digestText(digest), error);
    }
  });
  if (whole.length > 0) await parts.record.commitBlobs(instance, whole, push.by);
  return failed;
}

/** Errors: `digest-mismatch`. */
export function demandNoMore(digest: CacheDigest, size: number): void {
  if (size > digest.size) throw mismatch(digest, `more than its ${digest.size} bytes were sent`);
}

/** Errors: `digest-mismatch`. */
export function demandDigest(digest: CacheDigest, size: number, hash: string): void {
  if (size !== digest.size) throw mismatch(digest, `${size} bytes were sent in the place of ${digest.size}`);
  if (hash !== digest.hash) throw mismatch(digest, `what was sent has the ${digest.function} ${hash}`);
}

function mismatch(digest: CacheDigest, what: string): MillraceError {
  return new MillraceError('digest-mismatch', `${digestText(digest)} was not written: ${what}`, { suggestion: 'Send it again; nothing of it has been kept.' });
}
