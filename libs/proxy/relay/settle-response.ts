import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { Inspection, Verdict } from '../../inspection/inspection.js';
import { runResponseInspection } from '../../inspection/response-inspection.js';
import { explainRefusal, judgeRequest } from '../../inspection/verdict.js';
import type { BodyDigest } from '../../session/exchange.js';
import type { ArtefactDownloaded } from '../../session/session-events.js';
import { fieldOf, type ResponseHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import type { BodyDigester } from './body-digester.js';
import type { BodySpool } from './body-spool.js';
import { plainMetadata, type ExchangeRecord } from './exchange-record.js';
import type { ProxiedRequest } from './proxied-request.js';
import type { ProxyContext } from './proxy-context.js';
import type { ResponseTreatment } from './response-treatment.js';

/** A response that has arrived whole. */
export interface ArrivedResponse {
  readonly record: ExchangeRecord;
  readonly request: ProxiedRequest;
  readonly head: ResponseHead;
  readonly upstreamAddress: string;
  readonly treatment: ResponseTreatment;
  readonly digester: BodyDigester;
  readonly spool: BodySpool | undefined;
  /** Ends inspectors that still read when the exchange has been aborted. */
  readonly signal: AbortSignal;
}

export interface SettledResponse {
  readonly event: ArtefactDownloaded;
  /** False: strict refuses it, for `reason`. */
  readonly deliver: boolean;
  readonly reason: string;
}

interface Judgement {
  readonly inspections: Readonly<Record<string, Inspection>>;
  readonly metadata: ArtefactDownloaded['data']['metadata'];
  readonly verdict: Verdict;
}

/** Inspects, judges and keeps a whole response; the event is ready to be recorded. */
export async function settleResponse(context: ProxyContext, session: LiveSession, arrived: ArrivedResponse): Promise<SettledResponse> {
  const body = arrived.digester.digest();
  const judgement = arrived.head.status === 200 ? await inspect(context, arrived, body) : judgeWithoutBody(arrived, body);
  const kept = await keep(context, session.id, { arrived, judgement, body });
  const deliver = arrived.treatment !== 'hold' || judgement.verdict === 'Approved';
  const event: ArtefactDownloaded = {
    type: 'ArtefactDownloaded',
    data: {
      request: arrived.record.request(),
      response: arrived.record.response(arrived.head, arrived.upstreamAddress),
      body,
      responseInspection: judgement.inspections,
      metadata: judgement.metadata,
      verdict: judgement.verdict,
      delivered: deliver && arrived.treatment !== 'withhold',
      kept,
    },
  };
  return { event, deliver, reason: deliver ? '' : `Download not authorized: ${explainRefusal(judgement.inspections)}` };
}

async function inspect(context: ProxyContext, arrived: ArrivedResponse, digests: BodyDigest): Promise<Judgement> {
  const contentEncoding = fieldOf(arrived.head.fields, 'content-encoding') ?? '';
  const rest = await arrived.spool?.finish();
  const source = rest?.file === undefined ? { bytes: rest?.bytes ?? arrived.digester.head } : { file: rest.file, head: arrived.digester.head };
  const inspectedBody = createInspectedBody({ digests, contentEncoding, ...source });
  const response = { status: arrived.head.status, header: (name: string) => fieldOf(arrived.head.fields, name) };
  const exchange = { request: arrived.request.inspected, response, body: inspectedBody, requestInspections: arrived.record.requestInspection };
  return runResponseInspection(context.ports.inspectors, exchange, { context: { ...arrived.request.inspectionContext, signal: arrived.signal } });
}

/**
 * Any other status is no artefact. Without a body it is fine when its request was; with one, success (206 and the like) is
 * refused, because only whole artefacts are inspected, and redirects and errors are fine since strict withholds their bodies.
 */
function judgeWithoutBody(arrived: ArrivedResponse, body: BodyDigest): Judgement {
  const { status } = arrived.head;
  const isPartial = status === 304 || (status > 200 && status < 300 && body.size > 0);
  const fine = judgeRequest(arrived.record.requestInspection) && !isPartial;
  const reason = isPartial ? `a response with status ${status} is not a whole artefact and is not inspected; fetch it whole and without a cache` : `status ${status}: no artefact`;
  return { inspections: { default: { opinion: isPartial ? 'Rejected' : 'Unknown', reason } }, metadata: plainMetadata(arrived.head), verdict: fine ? 'Approved' : 'Rejected' };
}

async function keep(context: ProxyContext, sessionId: string, what: { readonly arrived: ArrivedResponse; readonly judgement: Judgement; readonly body: BodyDigest }): Promise<boolean> {
  const { arrived, body } = what;
  if (!context.keepBodies || arrived.spool === undefined || arrived.head.status !== 200 || body.size === 0) return false;
  const { bytes, file } = await arrived.spool.finish();
  if (file !== undefined) await context.ports.bodies.adopt(sessionId, body.sha256, file);
  else if (bytes !== undefined) await context.ports.bodies.put(sessionId, body.sha256, bytes);
  return true;
}
