import type { InspectedRequest, InspectionContext } from '../../inspection/inspector.js';
import { fieldOf, type RequestHead } from '../http1/message-head.js';
import type { LiveSession } from '../ports.js';
import { bracketHost } from '../target/host.js';
import { normaliseUrl, originOf, type RequestTarget } from '../target/request-target.js';

/** A request that is well formed, addressed and attributed to a session; nothing has been decided about it. */
export interface ProxiedRequest {
  readonly head: RequestHead;
  readonly target: RequestTarget;
  /** Host field for upstream: the port only when it is not the scheme's own. */
  readonly authority: string;
  readonly inspected: InspectedRequest;
  readonly inspectionContext: InspectionContext;
  /** Whether the build's connection may be used again. */
  readonly keepAlive: boolean;
}

export function proxiedRequest(session: LiveSession, head: RequestHead, from: { readonly target: RequestTarget; readonly keepAlive: boolean }): ProxiedRequest {
  const { target, keepAlive } = from;
  const ownPort = target.scheme === 'https' ? 443 : 80;
  return {
    head,
    target,
    authority: target.port === ownPort ? bracketHost(target.host) : `${bracketHost(target.host)}:${target.port}`,
    inspected: {
      method: head.method,
      url: normaliseUrl(target),
      origin: originOf(target.scheme, target),
      path: target.path,
      query: target.query,
      header: (name) => fieldOf(head.fields, name),
    },
    inspectionContext: { sessionId: session.id, policy: session.policy, configuration: session.configuration, knowledge: session.knowledge },
    keepAlive,
  };
}
