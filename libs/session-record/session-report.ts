import type { ArtefactMetadata, Inspection, Verdict } from '../inspection/inspection.js';
import type { BodyDigest, RequestRecord, ResponseRecord } from '../session/exchange.js';
import type { ArtefactDownloaded, DownloadFailed, RequestRefused, SessionEvent, SessionOpened } from '../session/session-events.js';
import type { SessionCacheEntry } from './read-cache-entries.js';
import { isArtefact } from './projection-rows.js';
import { createRedirectTrail } from './redirect-trail.js';

type Inspections = Readonly<Record<string, Inspection>>;

/** One transfer as fetch-service reports it; the keys from `position` on are ours, and its clients ignore them. */
export type ReportedExchange = Readonly<Record<string, unknown>> & { readonly url: string; readonly position: number };

export interface ReportedArtefact {
  readonly 'artifact-metadata-version': '0.2';
  readonly 'request-inspection': Inspections;
  readonly 'response-inspection': Inspections;
  readonly result: Verdict;
  readonly metadata: Readonly<Record<string, string | number>>;
  readonly downloads: readonly ReportedExchange[];
}

/** `fetch-service/session-report.schema.json` with our own keys beside. */
export interface SessionReport {
  readonly generator: string;
  readonly comment: string;
  readonly 'session-id': string;
  readonly 'start-time': string;
  readonly 'end-time': string;
  readonly inspectors: readonly string[];
  readonly 'spool-path': string;
  readonly policy: string;
  readonly artifacts: readonly ReportedArtefact[];
  /** Never went upstream, or withheld by strict policy. */
  readonly 'refused-requests': readonly Readonly<Record<string, unknown>>[];
  readonly 'failed-downloads': readonly Readonly<Record<string, unknown>>[];
  /** Every status but 200, and answers to HEAD. */
  readonly 'other-responses': readonly Readonly<Record<string, unknown>>[];
  /** In force for the session, the service's first. */
  readonly 'policy-documents'?: readonly { readonly source: string; readonly sha256: string; readonly text: string }[];
  /** Taken from the artifact cache, or pushed to it, with the credentials of the session; absent when there were none. */
  readonly 'cache-entries'?: readonly SessionCacheEntry[];
  readonly record: { readonly stream: string; readonly events: number; readonly 'last-digest': string };
}

export interface ReportContext {
  readonly version: string;
  readonly inspectors: readonly string[];
  readonly spoolRoot: string;
  readonly opened: SessionOpened['data'];
  readonly endTime: string;
}

interface Collected {
  readonly first: ArtefactDownloaded['data'];
  /** The first that was rejected; its inspections are what the reader has to see. */
  rejected: ArtefactDownloaded['data'] | undefined;
  readonly downloads: ReportedExchange[];
}

export function createReportBuilder(context: ReportContext): { add(item: { position: number; digest: string; event: SessionEvent }): void; build(cacheEntries?: readonly SessionCacheEntry[]): SessionReport } {
  const artefacts = new Map<string, Collected>();
  const refusedRequests: Readonly<Record<string, unknown>>[] = [];
  const failedDownloads: Readonly<Record<string, unknown>>[] = [];
  const otherResponses: Readonly<Record<string, unknown>>[] = [];
  const redirects = createRedirectTrail();
  let events = 0;
  let lastDigest = '';

  function addDownload(position: number, event: ArtefactDownloaded): void {
    const { data } = event;
    const chain = redirects.chainTo(data.request.url);
    redirects.add(data);
    if (isArtefact(event)) collect(artefacts, { position, chain }, data);
    else otherResponses.push({ ...otherResponse(position, data), ...redirectPart(chain) });
    // An error or a redirect that is in order, but whose body stayed behind, was answered: it stands among the other responses.
    if (!data.delivered && data.verdict === 'Rejected') refusedRequests.push({ ...withheld(position, data), ...redirectPart(chain) });
  }

  return {
    add({ position, digest, event }) {
      events = position;
      lastDigest = digest;
      if (event.type === 'ArtefactDownloaded') addDownload(position, event);
      else if (event.type === 'RequestRefused') refusedRequests.push(refusal(position, event.data));
      else if (event.type === 'DownloadFailed') failedDownloads.push(failure(position, event.data));
    },
    build: (cacheEntries = []) => ({
      generator: `millrace ${context.version}`,
      comment: 'Artifacts are in the order of their first download. Keys that fetch-service does not have: refused-requests, failed-downloads, other-responses, policy-documents, cache-entries, record.',
      'session-id': context.opened.sessionId,
      'start-time': context.opened.openedAt,
      'end-time': context.endTime,
      inspectors: context.inspectors,
      'spool-path': `${context.spoolRoot.replace(/\/+$/, '')}/${context.opened.sessionId}`,
      policy: context.opened.policy,
      artifacts: [...artefacts.values()].map(reportArtefact),
      'refused-requests': refusedRequests,
      'failed-downloads': failedDownloads,
      'other-responses': otherResponses,
      ...policyDocuments(context.opened),
      ...(cacheEntries.length === 0 ? {} : { 'cache-entries': cacheEntries }),
      record: { stream: `session:${context.opened.sessionId}`, events, 'last-digest': lastDigest },
    }),
  };
}

function policyDocuments({ policyDocuments: documents = [] }: SessionOpened['data']): Partial<SessionReport> {
  return documents.length === 0 ? {} : { 'policy-documents': documents.map(({ source, sha256, text }) => ({ source, sha256, text })) };
}

function collect(artefacts: Map<string, Collected>, { position, chain }: { readonly position: number; readonly chain: readonly string[] }, data: ArtefactDownloaded['data']): void {
  let collected = artefacts.get(data.body.sha256);
  if (collected === undefined) {
    collected = { first: data, rejected: undefined, downloads: [] };
    artefacts.set(data.body.sha256, collected);
  }
  if (data.verdict === 'Rejected') collected.rejected ??= data;
  collected.downloads.push({
    ...exchange(position, data.request, data.response),
    result: data.verdict,
    delivered: data.delivered,
    ...redirectPart(chain),
    ...(data.replacement === undefined ? {} : { replacement: { ...data.replacement.body, reason: data.replacement.reason } }),
  });
}

/** Rejected as soon as one of its downloads was: the bytes are the same, but one way they came was not in order. */
function reportArtefact({ first, rejected, downloads }: Collected): ReportedArtefact {
  const shown = rejected ?? first;
  return {
    'artifact-metadata-version': '0.2',
    'request-inspection': shown.request.requestInspection,
    'response-inspection': shown.responseInspection,
    result: rejected === undefined ? 'Approved' : 'Rejected',
    metadata: reportMetadata(first.metadata, first.body),
    downloads,
  };
}

/** Ten keys always, the others when they are set. */
function reportMetadata(metadata: ArtefactMetadata, body: BodyDigest): Readonly<Record<string, string | number>> {
  const optional = {
    'author-email': metadata.authorEmail,
    architecture: metadata.architecture,
    copyright: metadata.copyright,
    'source-package': metadata.sourcePackage,
    purl: metadata.purl,
    published: metadata.published,
    'signed-by': metadata.signedBy,
  };
  return {
    type: metadata.type,
    sha1: body.sha1,
    sha256: body.sha256,
    size: body.size,
    name: metadata.name,
    version: metadata.version,
    vendor: metadata.vendor,
    description: metadata.description,
    author: metadata.author,
    license: metadata.license,
    ...Object.fromEntries(Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')),
  };
}

function requestPart(position: number, request: RequestRecord): ReportedExchange {
  return {
    'start-time': request.startedAt,
    'end-time': request.endedAt,
    method: request.method,
    url: request.url,
    address: request.clientAddress,
    'user-agent': request.userAgent,
    'request-header': request.requestHeader,
    position,
    ...(request.requestBody === null ? {} : { 'request-body': request.requestBody }),
    ...(request.judgedAs === undefined ? {} : { 'judged-as': request.judgedAs }),
  };
}

function redirectPart(chain: readonly string[]): Readonly<Record<string, unknown>> {
  return chain.length === 0 ? {} : { 'redirect-chain': chain };
}

/** `address` is the build's end of the connection, as fetch-service has it; `upstream-address` is what was connected to. */
function exchange(position: number, request: RequestRecord, response: ResponseRecord): ReportedExchange {
  return {
    ...requestPart(position, request),
    'status-code': response.status,
    status: `${response.status} ${response.statusText}`.trimEnd(),
    'content-type': response.contentType,
    'response-header': response.responseHeader,
    'upstream-address': response.upstreamAddress,
  };
}

function otherResponse(position: number, data: ArtefactDownloaded['data']): Readonly<Record<string, unknown>> {
  const { request, response, body, responseInspection, verdict, delivered } = data;
  return { ...exchange(position, request, response), ...body, 'request-inspection': request.requestInspection, 'response-inspection': responseInspection, result: verdict, delivered };
}

function refusal(position: number, { request, rule, reason, status }: RequestRefused['data']): Readonly<Record<string, unknown>> {
  return { ...requestPart(position, request), 'request-inspection': request.requestInspection, rule, reason, 'status-code': status };
}

/** The build was answered 403 in place of this response. */
function withheld(position: number, data: ArtefactDownloaded['data']): Readonly<Record<string, unknown>> {
  const inspections = [...Object.entries(data.request.requestInspection), ...Object.entries(data.responseInspection)];
  const decisive = inspections.find(([, inspection]) => inspection.opinion === 'Rejected') ?? inspections.find(([, inspection]) => inspection.opinion === 'Unknown');
  return {
    ...requestPart(position, data.request),
    'request-inspection': data.request.requestInspection,
    'response-inspection': data.responseInspection,
    rule: 'verdict',
    reason: decisive === undefined ? 'no inspector approved it' : decisive[1].reason,
    'status-code': 403,
    ...data.body,
  };
}

function failure(position: number, { request, response, stage, reason, receivedBytes, received }: DownloadFailed['data']): Readonly<Record<string, unknown>> {
  return {
    ...(response === null ? requestPart(position, request) : exchange(position, request, response)),
    'request-inspection': request.requestInspection,
    stage,
    reason,
    'received-bytes': receivedBytes,
    ...(received === undefined || received === null ? {} : { 'received-sha1': received.sha1, 'received-sha256': received.sha256 }),
  };
}
