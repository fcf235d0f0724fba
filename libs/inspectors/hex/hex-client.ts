import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request says that it comes from mix or rebar3. A hint of what is asked for, never a proof. */
export function isHexClient(request: InspectedRequest): boolean {
  return /^(?:hex_core|Hex)\//.test(request.header('user-agent') ?? '');
}
