import { randomUUID } from 'node:crypto';
import type { ArtefactMetadata, Inspection } from '../../inspection/inspection.js';
import type { BodyDigest, RequestRecord, ResponseRecord } from '../../session/exchange.js';
import type { RequestHead, ResponseHead } from '../http1/message-head.js';
import { fieldOf } from '../http1/message-head.js';
import { redactHeaders } from '../redaction/redact-headers.js';
import type { LiveSession, TrafficRecorder } from '../ports.js';
import { redactUrl } from '../redaction/redact-url.js';

const maximumText = 2_048;

/** Facts of one exchange as they become known; turned into records when it is over. */
export class ExchangeRecord {
  readonly id = randomUUID();
  readonly #startedAt = new Date();
  requestInspection: Readonly<Record<string, Inspection>> = {};
  requestBody: BodyDigest | null = null;
  judgedAs: string | undefined;

  constructor(
    private readonly head: RequestHead,
    private readonly url: string,
    private readonly clientAddress: string,
  ) {}

  request(): RequestRecord {
    return {
      exchangeId: this.id,
      startedAt: this.#startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      method: this.head.method,
      url: redactUrl(this.url),
      clientAddress: this.clientAddress,
      userAgent: bounded(fieldOf(this.head.fields, 'user-agent') ?? ''),
      requestHeader: redactHeaders(this.head.fields),
      requestBody: this.requestBody,
      requestInspection: this.requestInspection,
      ...(this.judgedAs === undefined ? {} : { judgedAs: redactUrl(this.judgedAs) }),
    };
  }

  response(head: ResponseHead, upstreamAddress: string): ResponseRecord {
    return {
      upstreamAddress,
      status: head.status,
      statusText: bounded(head.statusText),
      contentType: bounded(fieldOf(head.fields, 'content-type') ?? ''),
      contentEncoding: bounded(fieldOf(head.fields, 'content-encoding') ?? ''),
      responseHeader: redactHeaders(head.fields),
    };
  }
}

/** Metadata of a response that is not an artefact (an error page, a redirect): only its media type. */
export function plainMetadata(head: ResponseHead): ArtefactMetadata {
  const type = bounded((fieldOf(head.fields, 'content-type') ?? '').split(';', 1)[0]?.trim() ?? '');
  return { type, name: '', version: '', vendor: '', description: '', author: '', license: '' };
}

function bounded(value: string): string {
  return value.length > maximumText ? value.slice(0, maximumText) : value;
}

export interface MalformedRequest {
  /** As far as it is known; empty outside of a tunnel. */
  readonly url: string;
  readonly clientAddress: string;
  readonly reason: string;
  readonly status: number;
  /** `malformed` when absent. */
  readonly rule?: string;
}

/** Records a request that could not even be read as one. */
export async function recordMalformed(recorder: TrafficRecorder, session: LiveSession, refused: MalformedRequest): Promise<void> {
  const now = new Date().toISOString();
  const request: RequestRecord = {
    exchangeId: randomUUID(),
    startedAt: now,
    endedAt: now,
    method: '',
    url: refused.url,
    clientAddress: refused.clientAddress,
    userAgent: '',
    requestHeader: {},
    requestBody: null,
    requestInspection: {},
  };
  const leave = session.enter(() => undefined);
  try {
    await recorder.record(session.id, { type: 'RequestRefused', data: { request, rule: refused.rule ?? 'malformed', reason: refused.reason, status: refused.status } });
  } finally {
    leave();
  }
}
