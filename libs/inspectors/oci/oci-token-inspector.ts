import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';

const tokenLimit = 256 * 1024;
const lastSegmentPattern = /\/(?:token|auth)$/;
const formType = 'application/x-www-form-urlencoded';
const scopePattern = /^(?:repository:[^:\s]{1,255}(?::[0-9]{1,5}\/[^:\s]{1,255})?:[a-z*,]{1,64}|registry:catalog:\*)$/;

/**
 * Requests for a bearer token, which a registry names in the `WWW-Authenticate` of its 401: recognised by their form, since the realm
 * may be at any host and path. See docs/reference/inspectors/oci.md. What a token is stands nowhere in the opinion.
 */
export const ociTokenInspector: Inspector = {
  id: 'oci.token',
  inspectRequest: (request) => (asksForToken(request) ? { opinion: 'Pending', reason: "valid request for a registry's token" } : undefined),
  inspectResponse: async (request, response, body) => {
    if (response.status !== 200) return undefined;
    if (request.method === 'POST' && !isTokenForm(request.body)) {
      return { opinion: 'Unknown', reason: 'the form that was posted does not ask for a token of a registry (grant_type, service and scope)' };
    }
    const document = parseBoundedJson(await body.read(tokenLimit), { depth: 16, containers: 1000, values: 10_000 });
    const hasToken = isRecord(document) && ['token', 'access_token'].some((key) => typeof own(document, key) === 'string' && own(document, key) !== '');
    if (!hasToken) throw refusal('the answer has no token ("token" or "access_token")');
    return { opinion: 'Approved', reason: 'valid token of a registry', confidential: true, metadata: { type: 'application/x.oci.token' } };
  },
};

function asksForToken(request: InspectedRequest): boolean {
  if (request.method === 'POST')
    return lastSegmentPattern.test(request.path) && request.header('content-type')?.split(';')[0]?.trim().toLowerCase() === formType;
  return request.method === 'GET' && isTokenQuery(request.query, request.path);
}

/** A login asks without a scope, and then only the path's last segment tells. */
function isTokenQuery(query: string, path: string): boolean {
  if (query.length > 16 * 1024) return false;
  const parameters = new URLSearchParams(query);
  if ((parameters.get('service') ?? '') === '') return false;
  const scopes = scopesOf(parameters);
  return scopes.length === 0 ? lastSegmentPattern.test(path) : scopes.every((scope) => scopePattern.test(scope));
}

function isTokenForm(body: Buffer | undefined): boolean {
  if (body === undefined || body.length > 64 * 1024) return false;
  const parameters = new URLSearchParams(body.toString('utf8'));
  return ['grant_type', 'service'].every((key) => (parameters.get(key) ?? '') !== '') && scopesOf(parameters).every((scope) => scopePattern.test(scope));
}

/** A scope parameter may come several times, and hold several. */
function scopesOf(parameters: URLSearchParams): readonly string[] {
  return parameters.getAll('scope').flatMap((scope) => scope.split(' ').filter((part) => part !== ''));
}
