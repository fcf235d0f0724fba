import { createHash } from 'node:crypto';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { runRequestInspection } from '../../inspection/request-inspection.js';
import { runResponseInspection, type ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createInspectors } from '../index.js';

const inspectors = createInspectors();

export function createContext(knowledge: SessionKnowledge = createMemorySessionKnowledge()): InspectionContext {
  return { sessionId: 'a'.repeat(32), policy: 'strict', configuration: {}, knowledge };
}

export function createRequest(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): InspectedRequest {
  const { origin, pathname, search, protocol, port } = new URL(url);
  const full = protocol === 'https:' && port === '' ? `${origin}:443` : origin;
  return { method, url: full + pathname + search, origin: full, path: pathname, query: search.slice(1), header: (name) => headers[name] };
}

export interface SampleResponse {
  readonly bytes: Buffer;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Takes one exchange through request and response inspection with every inspector, as the proxy does. */
export async function inspect(request: InspectedRequest, sample: SampleResponse, context: InspectionContext): Promise<ResponseInspectionResult> {
  const requestInspections = runRequestInspection(inspectors, request, context);
  const hash = (algorithm: string): string => createHash(algorithm).update(sample.bytes).digest('hex');
  const headers = sample.headers ?? {};
  const digests = { sha1: hash('sha1'), sha256: hash('sha256'), size: sample.bytes.length };
  const body = createInspectedBody({ bytes: sample.bytes, digests, contentEncoding: headers['content-encoding'] ?? '' });
  const response = { status: sample.status ?? 200, header: (name: string) => headers[name] };
  return runResponseInspection(inspectors, { request, response, body, requestInspections }, { context });
}
