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
}

export interface InspectionContext {
  readonly sessionId: string;
  readonly policy: SessionPolicy;
  readonly configuration: InspectorsConfiguration;
  readonly knowledge: SessionKnowledge;
  /** Aborted when the inspection's time is over: long loops look at it. Set while a response is inspected. */
  readonly signal?: AbortSignal;
}

export interface ResponseInspection extends Inspection {
  /** What the inspector learnt of the artefact; merged over the defaults. */
  readonly metadata?: Partial<ArtefactMetadata>;
}

/**
 * Judges one kind of artefact. A request is fine when one inspector says Pending and none says Rejected; an artefact is
 * Approved when its request was fine, one inspector Approved the response and none Rejected it.
 */
export interface Inspector {
  /** Stable id as in the report: `pip.wheel`. */
  readonly id: string;
  /** Runs on the byte path: synchronous, cheap, no body. Undefined: no opinion. */
  inspectRequest(request: InspectedRequest, context: InspectionContext): Inspection | undefined;
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
