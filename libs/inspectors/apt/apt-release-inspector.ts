import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { isCleartextSigned, splitCleartext } from '../openpgp/cleartext.js';
import { signedByMetadata, verifyCleartext, verifyDetached } from '../openpgp/verify-signatures.js';
import { entriesNamed, findReleases } from './known-releases.js';
import { findPart, partLimit, rememberPart, type ReleasePart } from './known-signatures.js';
import { isDeclared, readRaw } from './raw-body.js';
import { releaseLimit, type Release } from '../../deb/release-file.js';
import { parseReleasePath } from './release-path.js';
import { plainPath } from './repository-path.js';
import { verifyRelease, type ReleaseOutcome } from './verify-release.js';

const type = 'application/x.apt.release';
const signatureType = 'application/x.apt.release-signature';

interface Exchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  /** Directory of the release, as URL path. */
  readonly base: string;
}

/** `InRelease`, `Release` and `Release.gpg`, see docs/reference/inspectors/apt.md. */
export const aptReleaseInspector: Inspector = {
  id: 'apt.release',
  inspectRequest: (request) =>
    request.method === 'GET' && parseReleasePath(plainPath(request.path)) !== undefined ? { opinion: 'Pending', reason: 'valid URL for the release file of an apt repository' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseReleasePath(plainPath(request.path));
    if (response.status !== 200 || asked === undefined) return undefined;
    const exchange = { request, body, context, base: asked.base };
    if (asked.file === 'InRelease') return judgeInRelease(exchange);
    if (asked.file === 'Release') return judgeRelease(exchange);
    return judgeSignature(exchange);
  },
};

async function judgeInRelease(exchange: Exchange): Promise<ResponseInspection> {
  const bytes = await readRaw(exchange.body, releaseLimit);
  if (!isCleartextSigned(bytes)) return { opinion: 'Rejected', reason: 'the InRelease file is not signed: no file of this repository can be believed', metadata: { type } };
  const { text } = splitCleartext(bytes);
  return toOpinion(await verifyRelease({ ...exchange, text }, (options) => verifyCleartext(bytes, options)));
}

async function judgeRelease(exchange: Exchange): Promise<ResponseInspection | undefined> {
  const { request, body, context, base } = exchange;
  const declared = await judgeDeclared(exchange);
  if (declared !== undefined) return declared;
  // Many a URL ends in /Release: without a field at its start it is none of apt's.
  if (!/^[A-Z][A-Za-z0-9-]*:/.test(body.head.toString('latin1'))) return undefined;
  const bytes = await readRaw(body, partLimit);
  await rememberPart(context.knowledge, { origin: request.origin, base, file: 'Release' }, bytes);
  const signature = await counterpart(exchange, 'Release.gpg');
  if (signature === undefined) {
    return {
      opinion: 'Unknown',
      reason: 'the Release file has no signature yet: its Release.gpg could not be fetched; ask the operator of the repository to sign it (InRelease is best)',
      metadata: { type },
    };
  }
  return toOpinion(await verifyRelease({ ...exchange, text: bytes }, (options) => verifyDetached(bytes, signature, options)));
}

async function judgeSignature(exchange: Exchange): Promise<ResponseInspection> {
  const { request, body, context, base } = exchange;
  const signature = await readRaw(body, 256 * 1024);
  await rememberPart(context.knowledge, { origin: request.origin, base, file: 'Release.gpg' }, signature);
  const bytes = await counterpart(exchange, 'Release');
  if (bytes === undefined)
    return { opinion: 'Unknown', reason: 'the Release file that this signature is for was not fetched in this session, and could not be', metadata: { type: signatureType } };
  const { metadata, ...opinion } = toOpinion(await verifyRelease({ ...exchange, text: bytes }, (options) => verifyDetached(bytes, signature, options)));
  return { ...opinion, metadata: { ...metadata, type: signatureType } };
}

/** A Release file of one component is declared by that of the whole suite, and not signed itself. */
async function judgeDeclared({ request, body, context, base }: Exchange): Promise<ResponseInspection | undefined> {
  const path = `${base}Release`;
  const entries = entriesNamed(await findReleases(context.knowledge, request.origin, base.slice(0, -1)), path);
  for (const entry of entries) {
    if (await isDeclared(body, entry, context))
      return { opinion: 'Approved', reason: 'valid release file of a component', metadata: { type, name: entry.name, vendor: entry.release.origin, signedBy: signedByMetadata(entry.release.signedBy) } };
  }
  return undefined;
}

/** The other of `Release` and `Release.gpg`: as this session was given it, else fetched. apt asks for both, but for the second only when it has the first. */
async function counterpart({ request, context, base }: Exchange, file: ReleasePart['file']): Promise<Buffer | undefined> {
  const part = { origin: request.origin, base, file };
  const known = await findPart(context.knowledge, part);
  if (known !== undefined || context.consult === undefined) return known;
  await context.consult(`${request.origin}${request.path.slice(0, request.path.lastIndexOf('/') + 1)}${file}`);
  return findPart(context.knowledge, part);
}

function toOpinion(outcome: ReleaseOutcome): ResponseInspection {
  if ('opinion' in outcome) return { ...outcome, metadata: { type } };
  const { release, signedBy } = outcome;
  const date = release.date === undefined ? '' : new Date(release.date).toISOString();
  return {
    opinion: 'Approved',
    reason: 'valid release file, its signature holds',
    annotations: {
      'signed-by': signedBy,
      suite: release.suite,
      codename: release.codename,
      components: release.components.slice(0, 32),
      date,
      files: release.files.size,
    },
    metadata: { type, ...releaseMetadata(release), signedBy: signedByMetadata(signedBy), published: date },
  };
}

function releaseMetadata(release: Release): Partial<Record<'name' | 'version' | 'vendor' | 'description' | 'architecture', string>> {
  return {
    name: release.label === '' ? release.origin : release.label,
    version: release.version === '' ? release.codename : release.version,
    vendor: release.origin,
    description: release.description,
    architecture: release.architectures.join(' '),
  };
}
