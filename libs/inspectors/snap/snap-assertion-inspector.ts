import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { assertionsLimit, parseAssertions, type Assertion } from './assertion.js';
import { rememberAssertion } from './declared-snaps.js';
import { verifyAssertion, type Signer } from './known-keys.js';
import { rootKeys } from './snap-configuration.js';

const pathPattern = /^(.*\/assertions)\/([a-z0-9-]{1,64})(?:\/[^/]+){1,8}$/;

/** Assertions of a snap store, see docs/reference/inspectors/snap.md. */
export const snapAssertionInspector: Inspector = {
  id: 'snap.assertion',
  inspectRequest: (request) => (askedType(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for an assertion' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedType(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    const assertions = parseAssertions(await body.read(assertionsLimit));
    if (!assertions.some(({ type }) => type === asked.type)) return { opinion: 'Rejected', reason: `the answer has no ${asked.type} assertion` };
    const signers: Signer[] = [];
    for (const assertion of assertions) signers.push(await verify(assertion, request.origin + asked.base, context));
    const opinion = judge(signers, rootKeys(context.configuration).size > 0);
    // What is not approved teaches nothing.
    if (opinion.opinion === 'Approved')
      for (const [index, assertion] of assertions.entries()) await rememberAssertion(context, assertion, signers[index] as Signer);
    const subject = assertions.find(({ type }) => type === asked.type)?.headers ?? {};
    return {
      ...opinion,
      annotations: { assertions: assertions.map(({ type }) => type) },
      metadata: {
        type: `application/x.canonical.snap-assertion.${asked.type}`,
        name: subject['snap-name'] ?? subject['snap-id'] ?? subject['account-id'] ?? '',
        version: subject['snap-revision'] ?? '',
        vendor: subject['authority-id'] ?? '',
        signedBy: signersText(signers),
      },
    };
  },
};

/** Keys whose chain is proved, as `ArtefactMetadata.signedBy`. */
export function signersText(signers: readonly Signer[]): string {
  return [...new Set(signers.filter(({ trust }) => trust === 'root').map(({ keyId }) => `snap:${keyId}`))].join(' ');
}

function askedType({ method, path }: InspectedRequest): { base: string; type: string } | undefined {
  if (method !== 'GET' || path.length > 2048) return undefined;
  const [, base = '', type] = pathPattern.exec(path) ?? [];
  return type === undefined || !/\/(?:v2|api\/v1\/snaps)\/assertions$/.test(base) ? undefined : { base, type };
}

/** Clients ask for an assertion first and for its key then: the key is fetched here when the proxy can. */
async function verify(assertion: Assertion, base: string, context: InspectionContext): Promise<Signer> {
  context.signal?.throwIfAborted();
  const signer = await verifyAssertion(assertion, context);
  if (signer.trust !== 'unknown-key' || context.consult === undefined) return signer;
  const roots = rootKeys(context.configuration);
  // A chain of keys has two links; a longer one, or one that ends in itself, is not followed.
  if (roots.size === 0 || (assertion.type === 'account-key' && !roots.has(signer.keyId))) return signer;
  await context.consult(`${base}/account-key/${signer.keyId}`, { accept: 'application/x.ubuntu.assertion' });
  return verifyAssertion(assertion, context);
}

function judge(signers: readonly Signer[], hasRoots: boolean): ResponseInspection {
  const unproved = signers.find(({ trust }) => trust !== 'root');
  if (unproved === undefined) return { opinion: 'Approved', reason: 'valid assertion, its signatures lead to a root key that is configured' };
  if (!hasRoots) {
    const how = unproved.trust === 'unproved' ? 'its signature is right, but' : 'its signature was not checked, and';
    return { opinion: 'Approved', reason: `valid assertion; ${how} no root key is configured ("snap.root-keys")` };
  }
  return {
    opinion: 'Unknown',
    reason: `the assertion is signed by the key ${unproved.keyId}, which no account-key assertion of this session leads from to a root key: let the client fetch account-key/${unproved.keyId} first`,
  };
}
