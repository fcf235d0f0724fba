import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request says that it comes from cargo. A hint of what is asked for, never a proof. */
export function isCargoClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('cargo/') === true || request.header('cargo-protocol') !== undefined;
}
