import type { RequestHead } from '../http1/message-head.js';
import type { ImmediateRefusal } from './exchange-host.js';

/**
 * Requests after which the connection would not be HTTP any more, and those whose answer repeats the request: an origin that
 * answers TRACE would show the build the credentials that the session injects (RFC 9110 section 9.3.8).
 */
export function unrecordableRequest(head: RequestHead): ImmediateRefusal | undefined {
  const { method, upgrade } = head;
  if (upgrade !== '' && upgrade !== 'h2c') {
    return { rule: 'upgrade', reason: `protocol upgrades (${upgrade.slice(0, 40)}) cannot be recorded and are refused; use plain HTTP requests`, status: 501 };
  }
  if (!/^(?:TRACE|TRACK|CONNECT)$/i.test(method)) return undefined;
  return { rule: 'method', reason: `${method} is not forwarded: its answer would not be a download, or would repeat the session's credentials`, status: 501 };
}
