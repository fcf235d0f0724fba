import { failureReason } from './failure-reason.js';
import type { ArtefactMetadata, Inspection, Verdict } from './inspection.js';
import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext, Inspector, ResponseInspection } from './inspector.js';
import { boundedAnnotations, boundedText } from './metadata-text.js';
import { defaultInspectorId } from './request-inspection.js';
import { judgeResponse, type Inspections } from './verdict.js';

/** A response whose whole body is there, and what was thought of its request. */
export interface InspectedExchange {
  readonly request: InspectedRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly requestInspections: Inspections;
}

export interface ResponseInspectionOptions {
  readonly context: InspectionContext;
  /** Milliseconds that each inspector may take; 60 s unless told. */
  readonly timeLimit?: number;
  /** Calls back after so many milliseconds unless the returned function is called first. Injected by specs. */
  readonly startTimer?: (callback: () => void, milliseconds: number) => () => void;
}

export interface ResponseInspectionResult {
  readonly inspections: Readonly<Record<string, Inspection>>;
  readonly metadata: ArtefactMetadata;
  readonly verdict: Verdict;
}

/** How long one inspector may look at one response, in milliseconds. */
export const inspectionTimeLimit = 60_000;

const emptyMetadata: ArtefactMetadata = { type: 'application/octet-stream', name: '', version: '', vendor: '', description: '', author: '', license: '' };
const optionalKeys = ['authorEmail', 'architecture', 'copyright', 'sourcePackage', 'purl'] as const;
const requiredKeys = ['type', 'name', 'version', 'vendor', 'description', 'author', 'license'] as const;

/**
 * Asks every inspector that called the request Pending, and `default` for what nobody else can tell. Never rejects: an inspector
 * that throws, or takes longer than its time, counts as Rejected with the reason. `default` stands in the result only when nobody
 * else spoke; what it sniffed is the base that the others' metadata is merged over, in the order of `inspectors`.
 */
export async function runResponseInspection(
  inspectors: readonly Inspector[],
  exchange: InspectedExchange,
  options: ResponseInspectionOptions,
): Promise<ResponseInspectionResult> {
  const asked = inspectors.filter((inspector) => inspector.id === defaultInspectorId || exchange.requestInspections[inspector.id]?.opinion === 'Pending');
  const opinions = await Promise.all(asked.map(async (inspector) => ({ id: inspector.id, opinion: await inspectInTime(inspector, exchange, options) })));
  const heard = opinions.filter((entry): entry is { id: string; opinion: ResponseInspection } => entry.opinion !== undefined);
  const fallback = heard.filter((entry) => entry.id === defaultInspectorId);
  const speaking = heard.filter((entry) => entry.id !== defaultInspectorId);

  const inspections: Record<string, Inspection> = {};
  for (const { id, opinion } of speaking.length > 0 ? speaking : fallback) inspections[id] = recordedInspection(opinion);
  let metadata = emptyMetadata;
  for (const { opinion } of [...fallback, ...speaking]) metadata = mergeMetadata(metadata, opinion.metadata);
  return { inspections, metadata, verdict: judgeResponse(exchange.requestInspections, inspections) };
}

async function inspectInTime(inspector: Inspector, exchange: InspectedExchange, options: ResponseInspectionOptions): Promise<ResponseInspection | undefined> {
  const limit = options.timeLimit ?? inspectionTimeLimit;
  const startTimer = options.startTimer ?? startSystemTimer;
  const abort = new AbortController();
  // Not AbortSignal.any: what it makes outlives the inspection until a collection of garbage, and this runs for every response.
  const { signal } = options.context;
  const onAbort = (): void => abort.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  const context = { ...options.context, signal: abort.signal };
  let cancel: () => void = () => undefined;
  const timeout = new Promise<ResponseInspection>((resolve) => {
    cancel = startTimer(() => {
      resolve({ opinion: 'Rejected', reason: `the inspection timed out after ${limit / 1000} seconds` });
      // Whoever is still reading stops at its next chunk.
      abort.abort(new Error('the inspection timed out'));
    }, limit);
  });
  const inspection = inspectSafely(inspector, exchange, context);
  try {
    return await Promise.race([inspection, timeout]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function inspectSafely(inspector: Inspector, exchange: InspectedExchange, context: InspectionContext): Promise<ResponseInspection | undefined> {
  try {
    return await inspector.inspectResponse(exchange.request, exchange.response, exchange.body, context);
  } catch (error) {
    return { opinion: 'Rejected', reason: failureReason(error) };
  }
}

function startSystemTimer(callback: () => void, milliseconds: number): () => void {
  const timer = setTimeout(callback, milliseconds);
  return () => clearTimeout(timer);
}

function recordedInspection(inspection: ResponseInspection): Inspection {
  const reason = boundedText(inspection.reason, 1024);
  return inspection.annotations === undefined
    ? { opinion: inspection.opinion, reason }
    : { opinion: inspection.opinion, reason, annotations: boundedAnnotations(inspection.annotations) };
}

/** Bounds every string on the way: no inspector can forget to. Empty strings never hide what was known. */
function mergeMetadata(base: ArtefactMetadata, learnt: Partial<ArtefactMetadata> | undefined): ArtefactMetadata {
  if (learnt === undefined) return base;
  const merged: { -readonly [key in keyof ArtefactMetadata]: ArtefactMetadata[key] } = { ...base };
  for (const key of [...requiredKeys, ...optionalKeys]) {
    const text = boundedText(learnt[key]);
    if (text !== '') merged[key] = text;
  }
  return merged;
}
