import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { judgingContext, type JudgingContext } from '../../inspection/policy-opinion.js';
import type { Inspections } from '../../inspection/verdict.js';
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
  readonly inspectionContext: JudgingContext;
  /** Whether the build's connection may be used again. */
  readonly keepAlive: boolean;
  /** How many inspectors asked one after the other until this was asked; absent: the build itself did. */
  readonly consultDepth?: number;
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
    inspectionContext: judgingContext({ sessionId: session.id, policy: session.policy, configuration: session.configuration, knowledge: session.knowledge }, session.rules),
    keepAlive,
  };
}

/** The same request as if `url` (normalised) had been asked for: what a redirect led to is judged as the content of where it began. */
export function asUrl(request: InspectedRequest, url: string): InspectedRequest {
  // Exactly as it was asked for: nothing is parsed anew that an inspector compares.
  const pathStart = url.indexOf('/', url.indexOf('://') + 3);
  const [path = '/', ...query] = url.slice(pathStart).split('?');
  return { ...request, url, origin: url.slice(0, pathStart), path, query: query.join('?'), servedFrom: request.url };
}

/** The Accept field of the first inspector that called the request Pending and needs another form of the document. */
export function wantedForm(inspectors: readonly Inspector[], inspections: Inspections, request: ProxiedRequest): string | undefined {
  for (const inspector of inspectors) {
    if (inspections[inspector.id]?.opinion !== 'Pending') continue;
    const accept = inspector.upstreamAccept?.(request.inspected, request.inspectionContext);
    if (accept !== undefined && /^[\x20-\x7e]{1,512}$/.test(accept)) return accept;
  }
  return undefined;
}
