import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, DeleteObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { MillraceError } from '../../errors/millrace-error.js';
import type { StoredObject, WriteCondition } from '../object-store.js';
import { isAbsent, nameOf, statusOf } from './s3-errors.js';
import { conditionHeaders, headObject } from './s3-objects.js';
import type { S3Requests } from './s3-requests.js';

export type WriteKind = 'put' | 'parts' | 'copy';

/** Writes of one store that happen only where a condition holds. */
export interface ConditionalWrites {
  /** Whether the service itself checks conditions of this kind of write: found out once, on an object of its own. */
  checkedByService(kind: WriteKind): Promise<boolean>;
  /** Runs a write with the condition's headers, or after a look where the service does not check them. An own write whose answer was lost is recognised by its id. */
  write(work: ConditionalWrite): Promise<Omit<StoredObject, 'sha256'>>;
}

export interface ConditionalWrite {
  readonly key: string;
  readonly kind: WriteKind;
  readonly condition: WriteCondition | undefined;
  readonly writeId: string;
  readonly size: number;
  /** Answers the etag. */
  readonly send: (headers: ReturnType<typeof conditionHeaders>) => Promise<string>;
}

const conditions: readonly WriteCondition[] = [{ absent: true }, { etag: '00000000000000000000000000000000' }];

export function conditionalWrites(requests: S3Requests): ConditionalWrites {
  const found = new Map<WriteKind, Promise<boolean>>();
  /** By key. Some services look first and write then, or do not look at all: at least the writers of this process go one after the other. */
  const turns = new Map<string, Promise<unknown>>();

  function checkedByService(kind: WriteKind): Promise<boolean> {
    const known = found.get(kind) ?? tryOut(requests, kind);
    found.set(kind, known);
    known.catch(() => found.delete(kind));
    return known;
  }

  async function settle(write: ConditionalWrite, headers: ReturnType<typeof conditionHeaders>): Promise<Omit<StoredObject, 'sha256'>> {
    try {
      return { size: write.size, etag: await write.send(headers) };
    } catch (error) {
      if (!isInDoubt(error, write)) throw error;
      const there = await headObject(requests, write.key);
      if (there?.writeId === write.writeId) return { size: there.size, etag: there.etag };
      if (write.condition === undefined || !isConflict(error)) throw error;
      throw conflict(write.key, error);
    }
  }

  async function look({ key, condition }: ConditionalWrite): Promise<void> {
    if (condition === undefined) return;
    const there = await headObject(requests, key);
    const holds = 'etag' in condition ? there?.etag === condition.etag : there === undefined;
    if (!holds) throw conflict(key);
  }

  function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(key) ?? Promise.resolve()).then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    turns.set(key, settled);
    void settled.then(() => {
      if (turns.get(key) === settled) turns.delete(key);
    });
    return turn;
  }

  return {
    checkedByService,
    async write(work) {
      if (work.condition === undefined) return settle(work, {});
      const checked = await checkedByService(work.kind);
      return inTurn(work.key, async () => {
        if (checked) return settle(work, conditionHeaders(work.condition));
        await look(work);
        return settle(work, {});
      });
    },
  };
}

/** Whether the write may have happened although the service says otherwise: an attempt before had no answer. */
function isInDoubt(error: unknown, { condition }: ConditionalWrite): boolean {
  if (nameOf(error) === 'NoSuchUpload') return true;
  return condition !== undefined && (isConflict(error) || statusOf(error) === undefined || (statusOf(error) ?? 0) >= 500);
}

/** S3 answers 404 to `If-Match` where no object is, and 409 when another write came between. */
function isConflict(error: unknown): boolean {
  return [409, 412].includes(statusOf(error) ?? 0) || isAbsent(error);
}

function conflict(key: string, cause?: unknown): MillraceError {
  return new MillraceError('storage-conflict', `${key} is another object by now, or is there already`, cause === undefined ? {} : { cause });
}

/** A server that knows no conditions takes the write, or says that it knows none: both leave nothing but an object that is removed. */
async function tryOut(requests: S3Requests, kind: WriteKind): Promise<boolean> {
  const key = `.millrace-probe-${randomUUID()}`;
  const object = { Bucket: requests.bucket, Key: requests.keyOf(key) };
  await requests.ask(undefined, (client) => client.send(new PutObjectCommand({ ...object, Body: Buffer.from('probe') })));
  try {
    for (const condition of conditions) if (!(await refuses(() => probes[kind](requests, object, condition)))) return false;
    return true;
  } finally {
    await requests.ask(undefined, (client) => client.send(new DeleteObjectCommand(object)));
  }
}

async function refuses(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return false;
  } catch (error) {
    if (isConflict(error)) return true;
    if ([400, 405, 501].includes(statusOf(error) ?? 0)) return false;
    throw error;
  }
}

type Probe = (requests: S3Requests, object: { Bucket: string; Key: string }, condition: WriteCondition) => Promise<unknown>;

const probes: Readonly<Record<WriteKind, Probe>> = {
  put: (requests, object, condition) => requests.ask(undefined, (client) => client.send(new PutObjectCommand({ ...object, Body: Buffer.from('probe'), ...conditionHeaders(condition) }))),
  copy: (requests, object, condition) =>
    requests.ask(undefined, (client) => client.send(new CopyObjectCommand({ ...object, CopySource: `${object.Bucket}/${object.Key.split('/').map(encodeURIComponent).join('/')}`, MetadataDirective: 'REPLACE', Metadata: { probe: '1' }, ...conditionHeaders(condition) }))),
  parts: (requests, object, condition) =>
    requests.ask(undefined, async (client) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
      const upload = { ...object, UploadId };
      try {
        const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.from('probe') }));
        await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] }, ...conditionHeaders(condition) }));
      } catch (error) {
        await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
        throw error;
      }
    }),
};
