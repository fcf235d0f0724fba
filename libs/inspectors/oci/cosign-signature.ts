import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, ResponseInspection, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { isSignedBy, signatureKeys } from './cosign-keys.js';
import type { Manifest } from './manifest.js';
import { parseDigest } from './oci-digest.js';

/** Media type of what cosign signs ("simple signing"). */
export const signedPayloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
/** Bytes; an honest one has some 250. */
export const signedPayloadLimit = 64 * 1024;

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const signatureTag = /^(sha256-[0-9a-f]{64})\.sig$/;
const maxSignatures = 16;

/** Whether a tag is one that cosign keeps signatures, attestations or bills of materials under. */
export function isCosignTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/.test(tag);
}

/** Remembers the signatures that a manifest holds; `tag` tells of which image they are. They count when the payloads are seen. */
export async function rememberSignatures(knowledge: SessionKnowledge, manifest: Manifest, tag: string): Promise<void> {
  const image = signatureTag.exec(tag)?.[1]?.replace('-', ':');
  const payloads: string[] = [];
  for (const { role, mediaType, digest, annotations } of manifest.descriptors) {
    const signature = annotations[signatureAnnotation];
    if (role !== 'layer' || mediaType !== signedPayloadType || signature === undefined || signature.length > 4096 || payloads.length === maxSignatures)
      continue;
    const known = await signaturesOf(knowledge, digest);
    if (!known.includes(signature)) await knowledge.put(`oci/signatures/${digest}`, JSON.stringify([signature, ...known].slice(0, maxSignatures)));
    payloads.push(digest);
  }
  if (image !== undefined && payloads.length > 0) await knowledge.put(`oci/payloads/${image}`, JSON.stringify(payloads));
}

/** The opinion on a payload of cosign whose digest holds; remembers which image it signs when a configured key made the signature. */
export async function judgePayload(bytes: Buffer, digest: string, context: InspectionContext): Promise<ResponseInspection> {
  const image = readPayload(bytes);
  const signatures = (await signaturesOf(context.knowledge, digest)).map((text) => Buffer.from(text, 'base64'));
  const keys = signatureKeys(context.configuration).filter((key) => signatures.some((signature) => isSignedBy(key, bytes, signature)));
  if (keys.length === 0)
    return { opinion: 'Approved', reason: 'declared by a manifest of this session; its signature is by no key that is configured ("oci.public-key")' };
  const signedBy = keys.map(({ id }) => id).join(' ');
  context.signal?.throwIfAborted();
  await context.knowledge.put(`oci/signed/${image}`, signedBy);
  return { opinion: 'Approved', reason: `valid signature of the image ${image}`, annotations: { signs: image }, metadata: { signedBy } };
}

/**
 * Keys that signed the manifest with this digest; empty when none is known. When keys are configured and no signature was seen, asks the
 * registry for the one that cosign keeps beside the image.
 */
export async function findSigners(request: InspectedRequest, image: { repository: string; digest: string }, context: InspectionContext): Promise<string> {
  const signed = async (): Promise<string> => (await context.knowledge.get(`oci/signed/${image.digest}`)) ?? '';
  const known = await signed();
  if (known !== '' || context.consult === undefined || signatureKeys(context.configuration).length === 0) return known;
  const base = `${request.origin}/v2/${image.repository}`;
  const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
  if ((await context.consult(`${base}/manifests/${image.digest.replace(':', '-')}.sig`, { accept })) !== 'approved') return '';
  for (const payload of await stringsAt(context.knowledge, `oci/payloads/${image.digest}`)) {
    context.signal?.throwIfAborted();
    await context.consult(`${base}/blobs/${payload}`);
    const found = await signed();
    if (found !== '') return found;
  }
  return '';
}

/** The digest of the image that a payload is about. */
function readPayload(bytes: Buffer): string {
  const document = parseBoundedJson(bytes, { depth: 16, containers: 1000, values: 1000 });
  const critical = isRecord(document) ? own(document, 'critical') : undefined;
  const image = isRecord(critical) ? own(critical, 'image') : undefined;
  const digest = isRecord(image) ? own(image, 'docker-manifest-digest') : undefined;
  if (!isRecord(critical) || typeof own(critical, 'type') !== 'string' || typeof digest !== 'string' || parseDigest(digest) === undefined) {
    throw refusal('the signed payload names no image: it is not what cosign writes');
  }
  return digest;
}

function signaturesOf(knowledge: SessionKnowledge, payload: string): Promise<readonly string[]> {
  return stringsAt(knowledge, `oci/signatures/${payload}`);
}

async function stringsAt(knowledge: SessionKnowledge, key: string): Promise<readonly string[]> {
  const value = await knowledge.get(key);
  return value === undefined ? [] : (JSON.parse(value) as string[]); // written by this file only
}
