import type { Readable } from 'node:stream';
import type { ArtefactMetadata, Inspection } from './inspection.js';
import type { InspectorsConfiguration, SessionPolicy } from '../policy/session-policy.js';

/** What an inspector may know of a request. Built once per exchange; strings are the build's own bytes, so hostile. */
export interface InspectedRequest {
  readonly method: string;
  /** Normalised: `https://host:443/path?query`, `http://host/path`. */
  readonly url: string;
  /** `https://host:443` or `http://host[:port]`. */
  readonly origin: string;
  /** Path as sent (percent-encoding kept), always starting with `/`, without query. */
  readonly path: string;
  /** Without `?`, empty when there is none. */
  readonly query: string;
  /** First value of a header field by lower-case name. */
  header(name: string): string | undefined;
  /**
   * The request's own body as transferred, once all of it has been sent: only while a response is inspected, and only up to 1 MiB of it
   * (undefined when it was larger or there was none). Content coding is not undone.
   */
  readonly body?: Buffer;
  /** Where the response really comes from, when a redirect led there and it is judged as the content of `url`. */
  readonly servedFrom?: string;
}

export interface InspectedResponse {
  readonly status: number;
  header(name: string): string | undefined;
}

/** A whole response body, at rest. Content coding (gzip, br, zstd, deflate) is undone by `open` and `read`. */
export interface InspectedBody {
  /** Bytes as transferred. */
  readonly size: number;
  readonly sha1: string;
  readonly sha256: string;
  /** The first bytes as transferred, at most 4 KiB: for sniffing. */
  readonly head: Buffer;
  /** File that holds the body as transferred; undefined while it is small enough to stay in memory. */
  readonly file: string | undefined;
  /** The body with content coding undone, or exactly as transferred with `{ raw: true }`. Errors with a reason past the decoded limit (4 GiB). */
  open(options?: { readonly raw?: boolean }): Readable;
  /** All decoded bytes; rejects with a reason when they are more than `limit`. */
  read(limit: number): Promise<Buffer>;
}

/**
 * What earlier responses of the same session taught: an index declares digests that its artefacts must have. Shared by all
 * proxy processes and kept until the session ends. Keys are namespaced by the inspector (`npm/packument/<origin>/<name>`).
 */
export interface SessionKnowledge {
  get(key: string): Promise<string | undefined>;
  /** Values are compact (at most 4 MiB); a later value replaces an earlier one. */
  put(key: string, value: string): Promise<void>;
  /**
   * Replaces a value only if it still is `before` (undefined: there is none yet). False: another inspection has changed it meanwhile; `get`
   * says to what.
   */
  replace(key: string, before: string | undefined, value: string): Promise<boolean>;
}

export interface InspectionContext {
  readonly sessionId: string;
  readonly policy: SessionPolicy;
  readonly configuration: InspectorsConfiguration;
  readonly knowledge: SessionKnowledge;
  /** Aborted when the inspection's time is over: long loops look at it. Set while a response is inspected. */
  readonly signal?: AbortSignal;
  /**
   * Fetches a document that the build itself did not ask for (the index that declares a file named in a lock file), through the proxy and
   * under the same rules: recorded, inspected, with the session's credentials. What its inspector learns is in `knowledge` when this
   * resolves. Asked twice for the same URL in one session, it fetches once. Never rejects. Set while a response is inspected.
   */
  readonly consult?: Consult;
  /** Up to which moment indexes may show releases (policy: `as-of`, `cooldown`); undefined: no limit. */
  readonly visibleUntil?: VisibleUntil;
}

/** `accept` is the Accept field of the request. */
export type Consult = (url: string, options?: { readonly accept?: string }) => Promise<'approved' | 'refused' | 'unreachable'>;

/** The limit for one package of an ecosystem (the part of an inspector's id before the dot); undefined: none, or the package is excepted. */
export type VisibleUntil = (ecosystem: string, name: string) => VisibilityLimit | undefined;

export interface VisibilityLimit {
  /** Milliseconds since 1970: releases published later are not to be seen. */
  readonly until: number;
  /** For reasons: `as-of 2026-01-01T00:00:00Z`, `cooldown of 7 days`. */
  readonly because: string;
}

export interface ResponseInspection extends Inspection {
  /** What the inspector learnt of the artefact; merged over the defaults. */
  readonly metadata?: Partial<ArtefactMetadata>;
  /**
   * What the build gets in place of the body (an index without the releases that `visibleUntil` hides), content coding undone. Looked at
   * when the response is Approved; the record has the digests of both.
   */
  readonly replacement?: Replacement;
  /** The body is or holds a credential (a registry's token): its digest is recorded, but it is not kept. */
  readonly confidential?: boolean;
}

export interface Replacement {
  readonly bytes: Buffer;
  /** Why, for the record: `3 releases hidden by as-of 2026-01-01T00:00:00Z`. */
  readonly reason: string;
}

/**
 * Judges one kind of artefact. A request is fine when one inspector says Pending and none says Rejected; an artefact is
 * Approved when its request was fine, one inspector Approved the response and none Rejected it.
 */
export interface Inspector {
  /** Stable id as in the report: `pip.wheel`. The part before the dot is the ecosystem, as policies name it. */
  readonly id: string;
  /** Runs on the byte path: synchronous, cheap, no body. Undefined: no opinion. */
  inspectRequest(request: InspectedRequest, context: InspectionContext): Inspection | undefined;
  /**
   * Another Accept field for upstream, when this inspector called the request Pending and needs a form of the document that the client did
   * not ask for (the one with publication times). The client must be able to read both forms. Undefined: as sent.
   */
  upstreamAccept?(request: InspectedRequest, context: InspectionContext): string | undefined;
  /**
   * Runs for responses whose request this inspector called Pending, when the whole body is there and before its last byte is
   * delivered. Undefined: no opinion. A throw becomes Rejected with the message as its reason.
   */
  inspectResponse(
    request: InspectedRequest,
    response: InspectedResponse,
    body: InspectedBody,
    context: InspectionContext,
  ): Promise<ResponseInspection | undefined>;
}
