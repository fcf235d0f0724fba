import { failureReason } from '../../inspection/failure-reason.js';
import type { JsonValue } from '../../inspection/inspection.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { readIdentity, type PackageIdentity } from '../../rpm/package/package-details.js';
import { readPackageFile, type PackageFile } from '../../rpm/package/package-file.js';
import { formatVersion } from '../../rpm/version.js';
import { lastSegment } from '../declarations/declared-url.js';
import { describeFailures, signedByMetadata } from '../openpgp/verify-signatures.js';
import { createClientView, isTrustworthy, type ClientView } from './client-view.js';
import { findPackage, isSame, type PackageFinding } from './declared-package.js';
import { checkPackage, describePackage } from './read-package.js';
import { findRepository } from './repositories.js';
import { requestUrl } from './repository-path.js';
import { keysFor } from './rpm-configuration.js';
import { verifyPackage, type PackageSignatureCheck } from './verify-package.js';

/** Packages, see docs/reference/inspectors/rpm.md. */
export const rpmPackageInspector: Inspector = {
  id: 'rpm.package',
  inspectRequest: ({ method, path }) => (method === 'GET' && path.endsWith('.rpm') ? { opinion: 'Pending', reason: 'valid URL for an RPM package' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const view = createClientView(request, response, { body, signal: context.signal });
    const stream = view.open();
    try {
      const file = await readPackageFile(stream as AsyncIterable<Buffer>);
      const identity = readIdentity(file.head.header);
      const metadata = describePackage(file.head.header, identity);
      const opinion = await judgeSafely({ request, view, file, identity }, context);
      return { ...opinion, metadata: { ...metadata, ...opinion.metadata } };
    } finally {
      stream.destroy();
    }
  },
};

interface Subject {
  readonly request: InspectedRequest;
  readonly view: ClientView;
  readonly file: PackageFile;
  readonly identity: PackageIdentity;
}

/** A refusal is returned, not thrown: the report then names the package that was not in order. */
async function judgeSafely(subject: Subject, context: InspectionContext): Promise<ResponseInspection> {
  try {
    return await judge(subject, context);
  } catch (error) {
    return { opinion: 'Rejected', reason: failureReason(error) };
  }
}

async function judge(subject: Subject, context: InspectionContext): Promise<ResponseInspection> {
  const { request, view, file } = subject;
  const found = await findPackage(subject, context);
  const wrong = found === undefined ? undefined : contradiction(found, subject);
  if (wrong !== undefined) return { opinion: 'Rejected', reason: wrong };
  const places = [requestUrl(request), ...(found === undefined ? [] : [found.repository])];
  const keyring = await keysFor(context.configuration, places);
  const signatures = await verifyPackage(file.head, keyring, context.signal);
  const bad = signatures.failures.filter(({ kind }) => kind === 'bad');
  if (bad.length > 0) return { opinion: 'Rejected', reason: `a signature of the package does not hold: ${describeFailures(bad)}` };
  const contents = await checkPackage(file, view.body.size, context);
  const signedBy = await signers(signatures, found, context);
  const annotations = { ...contents, ...describeSignatures(signatures), ...describeFinding(found) };
  return { ...decide({ found, signatures, signedBy, mustBeSigned: keyring !== undefined }), annotations, metadata: { signedBy } };
}

function contradiction({ repository, listed, holds }: PackageFinding, { identity, request }: Subject): string | undefined {
  if (!holds) return `the package's ${listed.checksum.algorithm.toUpperCase()} digest is not the one that the primary metadata of ${repository} declare for ${describe(listed)}`;
  if (!isSame(listed, identity)) return `the package is ${describe(identity)}, but the primary metadata of ${repository} call it ${describe(listed)}`;
  // A sound package of the repository in the place of another: an older one with a known hole, say.
  return lastSegment(listed.href) === lastSegment(request.path) ? undefined : `the package is ${describe(identity)}, which its repository has under another name: ${listed.href}`;
}

function describe(identity: PackageIdentity): string {
  return `${identity.name}-${formatVersion(identity)}.${identity.arch}`;
}

/** Who signed the package, or the repomd.xml of the repository that declares its digest. */
async function signers({ verifiedBy }: PackageSignatureCheck, found: PackageFinding | undefined, { knowledge }: InspectionContext): Promise<string> {
  const [repository] = found === undefined ? [] : await findRepository(knowledge, found.repository);
  const all = [...verifiedBy.map((fingerprint) => signedByMetadata([fingerprint])), ...(repository?.signedBy ?? '').split(' ')];
  return [...new Set(all)].filter((signer) => signer !== '').join(' ');
}

interface Evidence {
  readonly found: PackageFinding | undefined;
  readonly signatures: PackageSignatureCheck;
  readonly signedBy: string;
  readonly mustBeSigned: boolean;
}

function decide({ found, signatures, signedBy, mustBeSigned }: Evidence): ResponseInspection {
  const name = signatures.verifiedBy.length > 0 ? 'valid package, signed by a configured key' : 'valid package';
  if (mustBeSigned && signedBy === '') {
    const why = signatures.signatures.length === 0 ? 'it has no signature' : describeFailures(signatures.failures) || 'it has no signature over its header';
    return { opinion: 'Rejected', reason: `a key is configured for this repository, but neither the package nor the repomd.xml is signed by it: ${why}` };
  }
  if (found !== undefined && isTrustworthy(found.listed.checksum)) {
    const newer = found.newer === undefined ? '' : `; its repository also has the newer ${formatVersion(found.newer)}`;
    return { opinion: 'Approved', reason: `${name}, with the digest that its repository declares${newer}` };
  }
  if (signatures.verifiedBy.length > 0) return { opinion: 'Approved', reason: name };
  return {
    opinion: 'Unknown',
    reason:
      found === undefined
        ? 'the package is sound, but no primary metadata of this session declare it: let the client read its repository through the proxy (dnf does so with --refresh, or with an empty cachedir), or configure the key that signed it under "rpm.repositories"'
        : 'the package is sound, but its repository declares it by MD5 only, which proves nothing; the repository has to be made anew (createrepo_c uses SHA-256)',
  };
}

function describeSignatures({ signatures, failures }: PackageSignatureCheck): Record<string, JsonValue> {
  return {
    'signature-keys': [...new Set(signatures.map(({ info }) => info.keyId))],
    ...(failures.length === 0 ? {} : { 'unverified-signatures': failures.map(({ keyId, reason }) => `${keyId}: ${reason}`) }),
  };
}

function describeFinding(found: PackageFinding | undefined): Record<string, JsonValue> {
  if (found === undefined) return {};
  return { 'declared-by': `${found.repository}repodata/repomd.xml`, ...(found.newer === undefined ? {} : { newer: formatVersion(found.newer) }) };
}
