import type { Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { judgePayload, signedPayloadLimit, signedPayloadType } from './cosign-signature.js';
import { findDescriptors, signersOf, type DeclaredDescriptor } from './declared-descriptors.js';
import { headOnly, isFetch } from './fetch-method.js';
import { imageConfigLimit, isImageConfig, parseImageConfig } from './image-metadata.js';
import { measure, type ReceivedContent } from './oci-digest.js';
import { parseRepositoryPath, type RepositoryPath } from './repository-path.js';

type AskedBlob = Extract<RepositoryPath, { kind: 'blob' }>;

/** Layers, configurations and other blobs, see docs/reference/inspectors/oci.md. */
export const ociBlobInspector: Inspector = {
  id: 'oci.blob',
  inspectRequest: (request) =>
    isFetch(request) && parseRepositoryPath(request.path)?.kind === 'blob' ? { opinion: 'Pending', reason: 'valid URL for a blob of an image' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseRepositoryPath(request.path);
    if (response.status !== 200 || asked?.kind !== 'blob') return undefined;
    const alone = headOnly(request, body);
    if (alone !== undefined) return alone;
    const opinion = await judgeBlob(asked, { response, body, context });
    return { ...opinion, metadata: { name: asked.repository, version: asked.digest.text, ...opinion.metadata } };
  },
};

async function judgeBlob({ digest }: AskedBlob, received: ReceivedContent): Promise<ResponseInspection> {
  const actual = await measure(digest.algorithm, received);
  if (actual.digest !== digest.text)
    return { opinion: 'Rejected', reason: `the blob's digest is ${actual.digest}, not the one in its URL: it was changed, or the registry is broken` };
  const declared = await findDescriptors(received.context.knowledge, digest.text);
  const [first] = declared;
  if (first === undefined) {
    return {
      opinion: 'Unknown',
      reason: `the blob has the digest in its URL, but no manifest of this session names ${digest.text}: let the client fetch the image's manifest through the proxy, which it does when its image store is empty`,
    };
  }
  const fitting = declared.filter(({ size }) => size === actual.size);
  if (fitting.length === 0) return { opinion: 'Rejected', reason: `the blob has ${actual.size} bytes, but the manifest declares ${first.size} for it` };
  return describe(fitting, digest.text, received);
}

async function describe(declared: readonly DeclaredDescriptor[], digest: string, { body, context }: ReceivedContent): Promise<ResponseInspection> {
  const mediaTypes = new Set(declared.map(({ mediaType }) => mediaType));
  const base = { type: declared[0]?.mediaType ?? '', signedBy: signersOf(declared) };
  if (mediaTypes.has(signedPayloadType)) {
    const opinion = await judgePayload(await body.read(signedPayloadLimit), digest, context);
    return { ...opinion, metadata: { ...base, ...opinion.metadata } };
  }
  const annotations = { 'declared-by': declared.map(({ manifest }) => manifest), role: declared[0]?.role ?? '' };
  const approved = { opinion: 'Approved', reason: 'valid blob, a manifest of this session declares its digest and size' } as const;
  const configType = declared.find(({ role, mediaType }) => role === 'config' && isImageConfig(mediaType))?.mediaType;
  if (configType === undefined) return { ...approved, annotations, metadata: base };
  const config = parseImageConfig(await body.read(imageConfigLimit));
  return {
    ...approved,
    annotations: { ...annotations, os: config.operatingSystem, created: config.created },
    metadata: { ...base, ...config.metadata, type: configType },
  };
}
