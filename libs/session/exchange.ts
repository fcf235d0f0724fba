import type { Inspection } from '../inspection/inspection.js';

/** Header fields as recorded: canonical names (`Content-Type`), every value in order, credentials redacted. */
export type HeaderRecord = Readonly<Record<string, readonly string[]>>;

/** Digests and size of a body after transfer decoding, before content decoding (gzip stays gzip). */
export interface BodyDigest {
  /** Lower-case hex. */
  readonly sha1: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** The part of an exchange that is known when the request has been read; every traffic event carries it. */
export interface RequestRecord {
  /** Unique per exchange (UUID); makes appending idempotent. */
  readonly exchangeId: string;
  /** RFC 3339 in UTC, milliseconds or finer. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly method: string;
  /** Normalised and redacted: https always with its port (`https://host:443/path`), http without `:80`, no user info, no fragment. */
  readonly url: string;
  /** `ip:port` of the build's end of the connection. */
  readonly clientAddress: string;
  readonly userAgent: string;
  readonly requestHeader: HeaderRecord;
  /** Null when the request had no body. */
  readonly requestBody: BodyDigest | null;
  readonly requestInspection: Readonly<Record<string, Inspection>>;
  /** The URL that led here by a redirect, and as whose content this one is judged; absent when it was judged as itself. */
  readonly judgedAs?: string;
}

/** The part that is known when a response head has arrived. */
export interface ResponseRecord {
  /** `ip:port` that was connected to, after the destination was checked. */
  readonly upstreamAddress: string;
  /** HTTP status code, 100 to 599 as sent. */
  readonly status: number;
  /** Reason phrase as sent, possibly empty. */
  readonly statusText: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly responseHeader: HeaderRecord;
}
