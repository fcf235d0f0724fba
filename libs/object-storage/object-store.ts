import type { Readable } from 'node:stream';

/**
 * Objects below one prefix of a bucket, or files below a directory; keys are relative to it, `/` between their parts. Bytes stream both ways: an object is
 * never in memory whole. Errors: `storage-unavailable` (worth another attempt), `storage-refused` (credentials, permissions, no bucket), `storage-full`,
 * `storage-conflict` (a condition does not hold), `digest-mismatch` (what arrived is not what was promised), `invalid-request` (no key may be so).
 */
export interface ObjectStore {
  /** Whole or not at all: what breaks off leaves nothing that can be seen or read. */
  put(key: string, content: ObjectContent, options?: PutOptions): Promise<StoredObject>;
  /** Inside the store, of any size, without the bytes passing here. Errors also: `blob-not-found`. */
  copy(from: string, to: string, options?: CopyOptions): Promise<StoredObject>;
  /** Undefined when there is none. */
  head(key: string, options?: Abortable): Promise<ObjectHead | undefined>;
  /** Errors also: `blob-not-found`; `invalid-request` for a range that begins beyond the end. */
  get(key: string, options?: GetOptions): Promise<ObjectBody>;
  /** Keys below a prefix in the order of their UTF-8 bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>;
  /** Fine where there is none. */
  remove(keys: readonly string[], options?: Abortable): Promise<void>;
  /** A URL that gives the object to whoever has it, for so many seconds; undefined: this store has no such URLs. */
  presign(key: string, options: { readonly seconds: number; readonly contentDisposition?: string }): Promise<string | undefined>;
  close(): void;
}

/** A stream is read once: what has to be sent again needs bytes or a file. */
export type ObjectContent = Buffer | FileContent | { readonly stream: AsyncIterable<Buffer>; readonly size?: number };

export interface FileContent {
  readonly file: string;
  /** The file may be moved in the place of being copied, and is gone when the object is there. */
  readonly moved?: true;
}

export interface Abortable {
  readonly signal?: AbortSignal;
}

export interface ObjectOptions extends Abortable {
  readonly contentType?: string;
  readonly cacheControl?: string;
}

export interface PutOptions extends ObjectOptions {
  /** Lower-case hex: checked against the bytes as they pass, before the object can be seen. */
  readonly sha256?: string;
  /** Checked by the store in the same step as the write, where it can; else just before. `absent`: no object may be there; `etag`: that one must. */
  readonly condition?: WriteCondition;
}

export type WriteCondition = { readonly absent: true } | { readonly etag: string };

export interface CopyOptions extends ObjectOptions {
  /** What the caller knows of the bytes: remembered with the copy where nothing is with the original. */
  readonly sha256?: string;
  readonly condition?: WriteCondition;
}

export interface StoredObject {
  /** Bytes. */
  readonly size: number;
  /** As the store gives it, for conditions; never a digest to rely on. */
  readonly etag: string;
  /** Lower-case hex of the bytes that passed; undefined where none did: of a copy, or of a file that was moved. */
  readonly sha256?: string;
}

export interface ObjectHead {
  /** Bytes of the whole object, whatever range of it is read. */
  readonly size: number;
  /** When it was written or copied here. Milliseconds since 1970; 0 when the service does not say. */
  readonly modified: number;
  readonly etag: string;
  /** Lower-case hex, where it was written with one by Millrace. */
  readonly sha256?: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly modified: number;
  readonly etag: string;
}

export interface ListOptions extends Abortable {
  /** Keys after this one. */
  readonly after?: string;
}

export interface GetOptions extends Abortable {
  /** Bytes `start` to `end`, both included; without `end` to the last one. */
  readonly range?: { readonly start: number; readonly end?: number };
  /** `storage-conflict` when the object is another one by now. */
  readonly etag?: string;
}

export interface ObjectBody extends ObjectHead {
  /** Ends with an error, never early, when the connection breaks. Whoever does not read it to its end destroys it. */
  readonly content: Readable;
  readonly contentType: string | undefined;
}
