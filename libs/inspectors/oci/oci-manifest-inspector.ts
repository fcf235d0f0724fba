import type { InspectedRequest, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { findSigners, isCosignTag, rememberSignatures } from './cosign-signature.js';
import { findDescriptors, rememberDescriptors, signersOf, type DeclaredDescriptor } from './declared-descriptors.js';
import { headOnly, isFetch } from './fetch-method.js';
import { imageMetadata } from './image-metadata.js';
import { imagePurl } from './image-purl.js';
import { manifestLimit, parseManifest, type Manifest } from './manifest.js';
import { measure, parseDigest, type ReceivedContent } from './oci-digest.js';
import { parseRepositoryPath, type RepositoryPath } from './repository-path.js';

type AskedManifest = Extract<RepositoryPath, { kind: 'manifest' }>;

/** Manifests by tag and by digest, see docs/reference/inspectors/oci.md. */
export const ociManifestInspector: Inspector = {
  id: 'oci.manifest',
  inspectRequest: (request) => {
    if (!isFetch(request)) return undefined;
    const asked = parseRepositoryPath(request.path);
    if (asked?.kind === 'malformed') return { opinion: 'Unknown', reason: asked.reason };
    return asked?.kind === 'manifest' ? { opinion: 'Pending', reason: 'valid URL for an image manifest' } : undefined;
  },
  inspectResponse: async (request, response, body, context) => {
    const asked = parseRepositoryPath(request.path);
    if (response.status !== 200 || asked?.kind !== 'manifest') return undefined;
    return headOnly(request, body) ?? judgeManifest(asked, { request, response, body, context });
  },
};

interface Subject extends ReceivedContent {
  readonly request: InspectedRequest;
}

async function judgeManifest(asked: AskedManifest, { request, ...received }: Subject): Promise<ResponseInspection> {
  const { response, body, context } = received;
  const bytes = await body.read(manifestLimit);
  const { digest } = await measure(asked.digest?.algorithm ?? 'sha256', received);
  if (asked.digest !== undefined && digest !== asked.digest.text) {
    return { opinion: 'Rejected', reason: `the manifest's digest is ${digest}, not the one in its URL: it was changed, or the registry is broken` };
  }
  const problem = await checkHeader(received);
  if (problem !== undefined) return { opinion: 'Rejected', reason: problem };
  const declared = await findDescriptors(context.knowledge, digest);
  const declaring = declared.filter(({ size }) => size === bytes.length);
  if (declared.length > 0 && declaring.length === 0) {
    return { opinion: 'Rejected', reason: `the manifest has ${bytes.length} bytes, but the image index declares ${declared[0]?.size} for it` };
  }
  const manifest = parseManifest(bytes, response.header('content-type') ?? '');
  const tag = asked.digest === undefined ? asked.reference : '';
  await rememberSignatures(context.knowledge, manifest, tag);
  const signedBy = signersOf(declaring) || (isCosignTag(tag) ? '' : await findSigners(request, { repository: asked.repository, digest }, context));
  await rememberDescriptors(context, { digest, signedBy }, manifest.descriptors);
  return approve(manifest, { declaring, digest, tag, signedBy, repository: asked.repository, origin: request.origin });
}

interface ApprovedManifest {
  readonly declaring: readonly DeclaredDescriptor[];
  readonly digest: string;
  readonly tag: string;
  readonly signedBy: string;
  readonly repository: string;
  readonly origin: string;
}

function approve(manifest: Manifest, { declaring, digest, tag, signedBy, repository, origin }: ApprovedManifest): ResponseInspection {
  const architecture = declaring.find((declaration) => declaration.architecture !== '')?.architecture ?? '';
  return {
    opinion: 'Approved',
    reason:
      tag === ''
        ? 'valid manifest, its digest is the one in its URL'
        : 'valid manifest; a tag may name another image tomorrow, so pin the digest where that matters',
    annotations: { digest, kind: manifest.kind, files: manifest.descriptors.length, 'declared-by': declaring.map((declaration) => declaration.manifest) },
    metadata: {
      ...imageMetadata(manifest.annotations),
      type: manifest.mediaType,
      name: repository,
      version: tag === '' ? digest : tag,
      architecture,
      signedBy,
      purl: imagePurl({ origin, repository, digest, tag, architecture }),
    },
  };
}

/** What is wrong with the digest that the registry itself calls the answer's. A form that is not known is left alone. */
async function checkHeader(received: ReceivedContent): Promise<string | undefined> {
  const told = parseDigest(received.response.header('docker-content-digest')?.trim() ?? '');
  if (told === undefined) return undefined;
  const { digest } = await measure(told.algorithm, received);
  return digest === told.text
    ? undefined
    : `the manifest's digest is ${digest}, but the registry calls it ${told.text}: it was changed, or the registry is broken`;
}
