import type { InspectedRequest } from '../../inspection/inspector.js';

/** What cargo accepts of a sparse index. */
export const indexAccept = 'text/plain';

/** Whether the request says that it comes from cargo. A hint of what is asked for, never a proof. */
export function isCargoClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('cargo/') === true || request.header('cargo-protocol') !== undefined;
}
