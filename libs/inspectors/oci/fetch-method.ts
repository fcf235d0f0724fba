import type { InspectedBody, InspectedRequest, ResponseInspection } from '../../inspection/inspector.js';

/** GET, and HEAD as clients use it to learn a digest. */
export function isFetch(request: InspectedRequest): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

/** The opinion on the answer to HEAD, which brings no bytes that could be judged; undefined for other requests. */
export function headOnly(request: InspectedRequest, body: InspectedBody): ResponseInspection | undefined {
  return request.method === 'HEAD' && body.size === 0 ? { opinion: 'Approved', reason: 'an answer to HEAD has no content' } : undefined;
}
