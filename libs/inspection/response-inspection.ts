import { failureReason } from './failure-reason.js';
import type { BodySource } from './inspected-body.js';
import type { ArtefactMetadata, Inspection, Verdict } from './inspection.js';
import type { InspectedBody, InspectedRequest, InspectedResponse, Inspector, Replacement, ResponseInspection } from './inspector.js';
import { boundedAnnotations, boundedText } from './metadata-text.js';
import { policyInspectorId, policyOnResponse, type JudgingContext } from './policy-opinion.js';
import { defaultInspectorId } from './request-inspection.js';
import { judgeResponse, type Inspections } from './verdict.js';

/** A response whose whole body is there, and what was thought of its request. */
export interface InspectedExchange {
  readonly request: InspectedRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly requestInspections: Inspections;
  /** The same as plain data, for an inspection in a thread; absent: it cannot be handed over. */
  readonly transferable?: TransferableExchange;
}

export interface TransferableExchange {
  /** `[name, value, …]` as sent. */
  readonly requestFields: readonly string[];
  readonly responseFields: readonly string[];
  readonly body: BodySource;
  /** How many inspectors asked one after the other until this was asked; 0: the build itself did. */
  readonly consultDepth: number;
}

/** Where one inspector looks at one response; may reject. */
export type InspectResponse = (inspector: Inspector, exchange: InspectedExchange, context: JudgingContext) => Promise<ResponseInspection | undefined>;

export interface ResponseInspectionOptions {
  readonly context: JudgingContext;
  /** In this thread unless told. */
  readonly inspect?: InspectResponse;
  /** Milliseconds that each inspector may take; by the size of the body unless told. */
  readonly timeLimit?: number;
  /** Calls back after so many milliseconds unless the returned function is called first. Injected by specs. */
  readonly startTimer?: (callback: () => void, milliseconds: number) => () => void;
}

export interface ResponseInspectionResult {
  readonly inspections: Readonly<Record<string, Inspection>>;
  readonly metadata: ArtefactMetadata;
  readonly verdict: Verdict;
  /** Of the first inspector that has one; only when the verdict is Approved. */
  readonly replacement?: Replacement;
  /** Some inspector said that the body holds a credential. */
  readonly confidential?: boolean;
}

/** How long one inspector may look at one response, in milliseconds: a minute, and a second more for each 2 MiB of its body. */
export function inspectionTimeLimit(bodyBytes: number): number {
  return 60_000 + 1000 * Math.floor(bodyBytes / (2 * 1024 * 1024));
}

const emptyMetadata: ArtefactMetadata = { type: 'application/octet-stream', name: '', version: '', vendor: '', description: '', author: '', license: '' };
const optionalKeys = ['authorEmail', 'architecture', 'copyright', 'sourcePackage', 'purl', 'published', 'signedBy'] as const;
const requiredKeys = ['type', 'name', 'version', 'vendor', 'description', 'author', 'license'] as const;

/**
 * Asks every inspector that called the request Pending, and `default` for what nobody else can tell. Never rejects: an inspector
 * that throws, or takes longer than its time, counts as Rejected with the reason. `default` stands in the result only when nobody
 * else spoke; what it sniffed is the base that the others' metadata is merged over, in the order of `inspectors`. The session's policy
 * document speaks last, as `policy`, and knows what the inspectors found.
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
  const { rules } = options.context;
  const policy = rules === undefined ? undefined : await policyOnResponse(rules, { ...exchange, responseInspections: inspections, metadata });
  if (policy !== undefined) inspections[policyInspectorId] = recordedInspection(policy);
  const verdict = judgeResponse(exchange.requestInspections, inspections);
  const replacement = verdict === 'Approved' ? speaking.find(({ opinion }) => opinion.replacement !== undefined)?.opinion.replacement : undefined;
  const confidential = speaking.some(({ opinion }) => opinion.confidential === true);
  return { inspections, metadata, verdict, ...(replacement === undefined ? {} : { replacement }), ...(confidential ? { confidential } : {}) };
}

async function inspectInTime(inspector: Inspector, exchange: InspectedExchange, options: ResponseInspectionOptions): Promise<ResponseInspection | undefined> {
  const limit = options.timeLimit ?? inspectionTimeLimit(exchange.body.size);
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
  const inspection = inspectSafely(options.inspect ?? inspectHere, inspector, { exchange, context });
  try {
    return await Promise.race([inspection, timeout]);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

const inspectHere: InspectResponse = (inspector, exchange, context) => inspector.inspectResponse(exchange.request, exchange.response, exchange.body, context);

async function inspectSafely(
  inspect: InspectResponse,
  inspector: Inspector,
  { exchange, context }: { readonly exchange: InspectedExchange; readonly context: JudgingContext },
): Promise<ResponseInspection | undefined> {
  try {
    return await inspect(inspector, exchange, context);
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
