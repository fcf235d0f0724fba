import { createInspectedBody, type BodySource } from '../../inspection/inspected-body.js';
import type { Inspection, Verdict } from '../../inspection/inspection.js';
import type { InspectedRequest, Replacement } from '../../inspection/inspector.js';
import { runRequestInspection } from '../../inspection/request-inspection.js';
import { runResponseInspection } from '../../inspection/response-inspection.js';
import { explainRefusal, hasRejection, judgeRequest, type Inspections } from '../../inspection/verdict.js';
import type { BodyDigest } from '../../session/exchange.js';
import type { ArtefactDownloaded } from '../../session/session-events.js';
import { fieldOf, type ResponseHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import { BodyDigester } from './body-digester.js';
import type { BodySpool } from './body-spool.js';
import { plainMetadata, type ExchangeRecord } from './exchange-record.js';
import { asUrl, type ProxiedRequest } from './proxied-request.js';
import type { RelayContext } from './proxy-context.js';
import type { ResponseTreatment } from './response-treatment.js';

/** A response that has arrived whole. */
export interface ArrivedResponse {
  readonly record: ExchangeRecord;
  readonly request: ProxiedRequest;
  /** The request's own body, as far as inspectors may see it. */
  readonly requestBody: Buffer | undefined;
  /** As whose content it is judged; undefined: as its own. */
  readonly judgedAs: string | undefined;
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
  /** Delivered in the place of the body. */
  readonly replacement: Buffer | undefined;
}

interface Judgement {
  readonly inspections: Readonly<Record<string, Inspection>>;
  readonly metadata: ArtefactDownloaded['data']['metadata'];
  readonly verdict: Verdict;
  readonly replacement?: Replacement | undefined;
  readonly confidential?: boolean | undefined;
}

/** Inspects, judges and keeps a whole response; the event is ready to be recorded. */
export async function settleResponse(context: RelayContext, session: LiveSession, arrived: ArrivedResponse): Promise<SettledResponse> {
  const body = arrived.digester.digest();
  const judgement = arrived.head.status === 200 ? await inspect(context, session, { arrived, digests: body }) : judgeWithoutBody(arrived, body);
  const kept = await keep(context, session.id, { arrived, judgement, body });
  const deliver = arrived.treatment !== 'hold' || judgement.verdict === 'Approved';
  const replacement = judgement.verdict === 'Approved' && arrived.treatment === 'hold' ? judgement.replacement : undefined;
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
      ...(replacement === undefined ? {} : { replacement: { body: digestOf(replacement.bytes), reason: replacement.reason } }),
    },
  };
  return { event, deliver, reason: deliver ? '' : `Download not authorized: ${explainRefusal(judgement.inspections)}`, replacement: replacement?.bytes };
}

async function inspect(context: RelayContext, session: LiveSession, what: { readonly arrived: ArrivedResponse; readonly digests: BodyDigest }): Promise<Judgement> {
  const { arrived, digests } = what;
  const contentEncoding = fieldOf(arrived.head.fields, 'content-encoding') ?? '';
  const rest = await arrived.spool?.finish();
  const source = rest?.file === undefined ? { bytes: rest?.bytes ?? arrived.digester.head } : { file: rest.file, head: arrived.digester.head };
  const bodySource: BodySource = { digests, contentEncoding, ...source };
  const body = createInspectedBody(bodySource);
  const response = { status: arrived.head.status, header: (name: string) => fieldOf(arrived.head.fields, name) };
  const { inspected, inspectionContext } = arrived.request;
  const own: InspectedRequest = arrived.requestBody === undefined ? inspected : { ...inspected, body: arrived.requestBody };
  const { inspect } = context.ports;
  const transferable = { requestFields: arrived.request.head.fields, responseFields: arrived.head.fields, body: bodySource, consultDepth: arrived.request.consultDepth ?? 0 };
  const options = { ...(inspect === undefined ? {} : { inspect }), context: { ...inspectionContext, consult: context.consultations(session, arrived.request), signal: arrived.signal } };
  const judge = (request: InspectedRequest, requestInspections: Inspections): Promise<Judgement> =>
    runResponseInspection(context.ports.inspectors, { request, response, body, requestInspections, transferable }, options);

  if (arrived.judgedAs !== undefined) return judge(asUrl(own, arrived.judgedAs), arrived.record.requestInspection);
  const judgement = await judge(own, arrived.record.requestInspection);
  if (judgement.verdict === 'Approved' || !judgeRequest(arrived.record.requestInspection) || hasRejection(judgement.inspections)) return judgement;
  // Nothing declares it under its own URL: perhaps it was declared under the one that led here.
  const origin = await context.redirects.find(session, inspected.url);
  if (origin === undefined) return judgement;
  const requestInspections = runRequestInspection(context.ports.inspectors, asUrl(own, origin), inspectionContext);
  if (!judgeRequest(requestInspections)) return judgement;
  arrived.record.judgedAs = origin;
  arrived.record.requestInspection = requestInspections;
  return judge(asUrl(own, origin), requestInspections);
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

async function keep(context: RelayContext, sessionId: string, what: { readonly arrived: ArrivedResponse; readonly judgement: Judgement; readonly body: BodyDigest }): Promise<boolean> {
  const { arrived, body } = what;
  if (what.judgement.confidential === true) return false;
  if (!context.keepBodies || arrived.spool === undefined || arrived.head.status !== 200 || body.size === 0) return false;
  const { bytes, file } = await arrived.spool.finish();
  if (file !== undefined) await context.ports.bodies.adopt(sessionId, body.sha256, file);
  else if (bytes !== undefined) await context.ports.bodies.put(sessionId, body.sha256, bytes);
  return true;
}

function digestOf(bytes: Buffer): BodyDigest {
  const digester = new BodyDigester();
  digester.update(bytes);
  return digester.digest();
}
