import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request says that it comes from Composer. A hint of what is asked for, never a proof. */
export function isComposerClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('Composer/') === true;
}
