import type { SessionPolicy } from '../../policy/session-policy.js';
import { writeRequestHead } from '../http1/head-writer.js';
import type { ProxiedRequest } from './proxied-request.js';
import type { RequestCredentials } from './request-credentials.js';
import type { ConnectedUpstream } from './upstream-connection.js';

/**
 * Request fields that strict does not forward. A range or a 304 would give the build bytes that were never inspected whole;
 * without these fields an origin answers 200 with all of it, which every client must accept (RFC 9110 sections 13 and 14).
 */
const strictWithout: ReadonlySet<string> = new Set(['range', 'if-range', 'if-none-match', 'if-modified-since']);

export interface UpstreamHeadOptions {
  readonly policy: SessionPolicy;
  readonly upstream: ConnectedUpstream;
  readonly credentials: RequestCredentials | undefined;
  /** An inspector needs another form of the document. */
  readonly accept: string | undefined;
}

/** The head of a build's request as this connection gets it: without what the policy forbids, with the session's credentials. */
export function upstreamHead(request: ProxiedRequest, options: UpstreamHeadOptions): string {
  const { head, target, authority } = request;
  const { upstream, credentials } = options;
  const line = upstream.absoluteForm ? `${target.scheme}://${authority}${target.originForm}` : target.originForm;
  const toParent = upstream.proxyAuthorization === undefined ? '' : `Proxy-Authorization: ${upstream.proxyAuthorization}\r\n`;
  const accept = options.accept === undefined ? '' : `Accept: ${options.accept}\r\n`;
  const withheld = options.policy === 'strict' ? strictWithout : none;
  const replaced = (credentials?.replacedFields ?? none).union(accept === '' ? none : acceptField);
  return writeRequestHead(head, { target: line, host: authority }, {
    without: replaced.size === 0 ? withheld : withheld.union(replaced),
    extra: `${toParent}${accept}${credentials?.fields ?? ''}`,
    contentLength: credentials?.body?.length,
  });
}

const none: ReadonlySet<string> = new Set();
const acceptField: ReadonlySet<string> = new Set(['accept']);
