import { status } from '@grpc/grpc-js';
import type { AssetServices } from '../../../libs/cache-assets/asset-services.js';
import { artifactUri, readStoredMessage, sourceUri, storeMessage } from '../../../libs/cache-assets/buildstream-messages.js';
import { getReference, mayUpdate, updateReferences } from '../../../libs/cache-assets/buildstream-references.js';
import type { CacheDigest } from '../../../libs/cache/cache-digest.js';
import type { BlobReference, BlobShape } from '../../../libs/cache/cache-entry.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { Digest } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Artifact, ArtifactServiceService } from '../../../libs/remote-apis/generated/buildstream/v2/artifact.js';
import { CapabilitiesService, ReferenceStorageService } from '../../../libs/remote-apis/generated/buildstream/v2/buildstream.js';
import { Source, SourceServiceService } from '../../../libs/remote-apis/generated/buildstream/v2/source.js';
import { cacheService, type CacheService } from '../server/cache-service.js';
import { statusError } from '../server/grpc-status.js';
import { demandDigest, wireDigest } from './wire-digest.js';

/** `buildstream.v2.ReferenceStorage`, for BuildStream 1.1.4 to 1.5. */
export function referenceStorage(services: AssetServices): CacheService {
  return cacheService(ReferenceStorageService, {
    async getReference({ instanceName: instance, key }, call) {
      return { digest: wireDigest(await getReference(services, { instance, key }, call)) };
    },
    async updateReference({ instanceName: instance, keys, digest }, call) {
      await updateReferences(services, { instance, keys, digest: digest === undefined ? undefined : readDigest(digest, 'the digest of the reference') }, call);
      return {};
    },
    status: ({ instanceName }, call) => answered(() => ({ allowUpdates: mayUpdate(services, instanceName, call) })),
  });
}

/** What BuildStream 1.91 to 1.93.4 has in the place of the Remote Asset API. */
export function developmentServices(services: AssetServices): readonly CacheService[] {
  const capabilities = cacheService(CapabilitiesService, {
    getCapabilities: ({ instanceName }, call) =>
      answered(() => {
        const allowUpdates = mayUpdate(services, instanceName, call);
        return { artifactCapabilities: { allowUpdates }, sourceCapabilities: { allowUpdates } };
      }),
  });
  const artifacts = cacheService(ArtifactServiceService, {
    async getArtifact({ instanceName: instance, cacheKey }, call) {
      return Artifact.decode(await readStoredMessage(services, { instance, uri: artifactUri(cacheKey) }, call));
    },
    async updateArtifact({ instanceName: instance, cacheKey, artifact = Artifact.fromPartial({}) }, call) {
      const message = Buffer.from(Artifact.encode(artifact).finish());
      await whole(storeMessage(services, { instance, uri: artifactUri(cacheKey), message, references: artifactReferences(artifact) }, call));
      return artifact;
    },
  });
  const sources = cacheService(SourceServiceService, {
    async getSource({ instanceName: instance, cacheKey }, call) {
      return Source.decode(await readStoredMessage(services, { instance, uri: sourceUri(cacheKey) }, call));
    },
    async updateSource({ instanceName: instance, cacheKey, source = Source.fromPartial({}) }, call) {
      const message = Buffer.from(Source.encode(source).finish());
      await whole(storeMessage(services, { instance, uri: sourceUri(cacheKey), message, references: referencesOf('directory', [source.files]) }, call));
      return source;
    },
  });
  return [capabilities, artifacts, sources];
}

function artifactReferences(artifact: Artifact): BlobReference[] {
  const { files, buildtree, sources, buildroot, publicData, logs, lowDiversityMeta, highDiversityMeta } = artifact;
  return [...referencesOf('directory', [files, buildtree, sources, buildroot]), ...referencesOf('plain', [publicData, ...logs.map(({ digest }) => digest), lowDiversityMeta, highDiversityMeta])];
}

/** An unset digest is one without a hash, too. */
function referencesOf(shape: BlobShape, digests: readonly (Digest | undefined)[]): BlobReference[] {
  return digests.flatMap((digest) => (digest === undefined || digest.hash === '' ? [] : [{ digest: readDigest(digest, 'a digest of the message'), shape }]));
}

/** BuildStream had nothing but SHA-256 then. */
function readDigest(digest: Digest, what: string): CacheDigest {
  return demandDigest(digest, { digests: 'sha256', what });
}

/** These clients know FAILED_PRECONDITION for blobs that were not pushed before. */
async function whole(storing: Promise<void>): Promise<void> {
  try {
    await storing;
  } catch (error) {
    if (isMillraceError(error) && error.code === 'blob-not-found') throw statusError(status.FAILED_PRECONDITION, error.message);
    throw error;
  }
}

async function answered<Answer>(answer: () => Answer): Promise<Answer> {
  return Promise.resolve().then(answer);
}
