import { LRUCache } from 'lru-cache';
import { isEmptyBlob, sameDigest, type CacheDigest } from '../cache/cache-digest.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { OpenUpload, Push, ResumableUploads } from './artifact-cache.js';
import { createBlobHash, type BlobHash } from './blob-hash.js';
import type { CacheParts } from './cache-parts.js';
import { checkPushedDigest } from './check-pushed-digest.js';
import { spooledBlob, type SpooledBlob } from './spooled-blob.js';
import { demandDigest, demandNoMore, keepBlob } from './write-blob.js';

export interface UploadLimits {
  /** Of uploads that nobody is sending: how many, bytes of all, milliseconds of one. */
  readonly suspended: number;
  readonly suspendedBytes: number;
  readonly suspendedFor: number;
}

export const defaultUploadLimits: UploadLimits = { suspended: 200, suspendedBytes: 20 * 1024 ** 3, suspendedFor: 10 * 60_000 };

/** Of `QueryWriteStatus`, for clients that lost the last answer. */
const finishedNames = 10_000;
const longestName = 1024;

interface Upload {
  readonly key: string;
  readonly instance: string;
  readonly digest: CacheDigest;
  readonly spooled: SpooledBlob;
  readonly hash: BlobHash;
  /** Whoever writes now; another object takes it away. */
  writer: object | undefined;
  /** The last of its steps: they happen one after the other. */
  turn: Promise<unknown>;
  suspendedAt: number;
}

export interface UploadsOfProcess extends ResumableUploads {
  close(): Promise<void>;
}

/** Uploads by name, each with one writer; what came of a broken one waits for a while, within limits. */
export function resumableUploads(parts: CacheParts, now: () => number, limits: UploadLimits = defaultUploadLimits): UploadsOfProcess {
  const uploads = new Map<string, Upload>();
  const finished = new LRUCache<string, number>({ max: finishedNames });
  const sweep = setInterval(() => void dropOld().catch(() => undefined), Math.min(limits.suspendedFor, 30_000)).unref();

  /** One step of an upload after the other. */
  function inTurn<T>(upload: Upload, work: () => Promise<T>): Promise<T> {
    const done = upload.turn.then(work);
    upload.turn = done.catch(() => undefined);
    return done;
  }

  async function drop(upload: Upload): Promise<void> {
    if (uploads.get(upload.key) === upload) uploads.delete(upload.key);
    upload.writer = undefined;
    await inTurn(upload, () => upload.spooled.discard());
  }

  async function dropOld(): Promise<void> {
    const suspended = [...uploads.values()].filter(({ writer }) => writer === undefined).sort((one, other) => other.suspendedAt - one.suspendedAt);
    let bytes = 0;
    for (const [index, upload] of suspended.entries()) {
      bytes += upload.spooled.size;
      if (index >= limits.suspended || bytes > limits.suspendedBytes || now() - upload.suspendedAt > limits.suspendedFor) await drop(upload);
    }
  }

  /** What the name stands for, taken from whoever wrote it. */
  async function takenUp(key: string, { digest, offset }: { readonly digest: CacheDigest; readonly offset: number }, writer: object): Promise<Upload | undefined> {
    const upload = uploads.get(key);
    if (upload === undefined) return undefined;
    upload.writer = writer;
    await upload.turn;
    if (offset === 0) {
      await drop(upload);
      return undefined;
    }
    if (offset === upload.spooled.size && sameDigest(digest, upload.digest)) return upload;
    const { size } = upload.spooled;
    await suspend(upload, writer);
    throw noSuchOffset(offset, size);
  }

  async function suspend(upload: Upload, writer: object): Promise<void> {
    if (upload.writer !== writer) return;
    await inTurn(upload, () => upload.spooled.park());
    if (upload.writer !== writer) return;
    upload.writer = undefined;
    upload.suspendedAt = now();
    await dropOld();
  }

  /** A cancelled call breaks no step off: what has arrived may be taken up again. */
  function openUpload(upload: Upload, writer: object, push: Push): OpenUpload {
    function step<T>(work: () => Promise<T>): Promise<T> {
      return inTurn(upload, async () => {
        if (upload.writer !== writer) throw new MillraceError('invalid-request', 'another writer has taken this upload up, or it was given up', { suggestion: 'Ask how much of it has arrived, and go on from there.' });
        return work();
      });
    }
    const given = (work: () => Promise<void>): Promise<void> =>
      step(work).catch(async (error: unknown) => {
        if (upload.writer === writer) await drop(upload);
        throw error;
      });
    return {
      present: false,
      get committed() {
        return upload.spooled.size;
      },
      append: (bytes) =>
        given(async () => {
          demandNoMore(upload.digest, upload.spooled.size + bytes.length);
          upload.hash.update(bytes);
          await upload.spooled.append(bytes);
        }),
      finish: () =>
        given(async () => {
          demandDigest(upload.digest, upload.spooled.size, upload.hash.digest());
          await keepBlob(parts, { instance: upload.instance, digest: upload.digest, content: await upload.spooled.content(), push: { by: push.by } });
        }).then(async () => {
          finished.set(upload.key, upload.digest.size);
          await drop(upload);
        }),
      suspend: () => suspend(upload, writer),
    };
  }

  return {
    status(instance, name) {
      const key = keyOf(parts.instance(instance).name, name);
      const size = finished.get(key);
      return Promise.resolve(size === undefined ? { committed: uploads.get(key)?.spooled.size ?? 0, complete: false } : { committed: size, complete: true });
    },
    async open({ instance: instanceName, name, digest, offset }, push) {
      const instance = parts.instance(instanceName);
      checkPushedDigest(instance, digest);
      if (name === '' || name.length > longestName) throw new MillraceError('invalid-request', `the name of an upload is 1 to ${longestName} characters`);
      if (!Number.isSafeInteger(offset) || offset < 0) throw noSuchOffset(offset, 0);
      const key = keyOf(instance.name, name);
      if (isEmptyBlob(digest) || (await parts.record.present(instance.name, [digest]))[0] === true) return presentUpload(digest);
      const writer = {};
      const known = await takenUp(key, { digest, offset }, writer);
      if (known !== undefined) return openUpload(known, writer, push);
      if (offset !== 0) throw noSuchOffset(offset, 0);
      await parts.admit(instance, digest.size);
      const spooled = spooledBlob(await parts.spool(digest.size));
      const upload: Upload = { key, instance: instance.name, digest, spooled, hash: await createBlobHash(digest.function), writer, turn: Promise.resolve(), suspendedAt: 0 };
      const overtaken = uploads.get(key);
      if (overtaken !== undefined) await drop(overtaken);
      finished.delete(key);
      uploads.set(key, upload);
      return openUpload(upload, writer, push);
    },
    async close() {
      clearInterval(sweep);
      await Promise.all([...uploads.values()].map(drop));
    },
  };
}

function keyOf(instance: string, name: string): string {
  return `${instance}\n${name}`;
}

function presentUpload({ size }: CacheDigest): OpenUpload {
  return { present: true, committed: size, append: () => Promise.resolve(), finish: () => Promise.resolve(), suspend: () => Promise.resolve() };
}

function noSuchOffset(offset: number, committed: number): MillraceError {
  return new MillraceError('invalid-request', `this upload has ${committed} bytes and cannot be taken up at ${offset}`, { suggestion: 'Ask how much of it has arrived, and go on from there, or begin anew at 0.' });
}
