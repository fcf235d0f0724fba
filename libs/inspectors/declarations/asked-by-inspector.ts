import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request is one that an inspector made by `context.consult`, which has no client's name. A hint of what is asked for, never a proof. */
export function isAskedByInspector(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('millrace (') === true;
}
