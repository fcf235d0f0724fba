import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { buildTar } from '../../__fixtures__/build-tar.js';

export interface SampleBlob {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

export interface SampleImage {
  readonly config: SampleBlob;
  readonly layer: SampleBlob;
  readonly manifest: SampleBlob;
  readonly index: SampleBlob;
}

export const imageManifestType = 'application/vnd.oci.image.manifest.v1+json';
export const imageIndexType = 'application/vnd.oci.image.index.v1+json';

export function sampleBlob(content: Buffer | object, mediaType: string): SampleBlob {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, mediaType };
}

export function descriptor({ bytes, digest, mediaType }: SampleBlob): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size: bytes.length };
}

/** An image of one layer with one file of this content, for linux/amd64, and an index that names it. */
export function buildSampleImage(content = 'a small file\n'): SampleImage {
  const tar = buildTar([{ name: 'etc/sample', content }]);
  const layer = sampleBlob(gzipSync(tar), 'application/vnd.oci.image.layer.v1.tar+gzip');
  const labels = {
    'org.opencontainers.image.vendor': 'Millrace',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.title': 'A sample image',
  };
  const config = sampleBlob(
    {
      architecture: 'amd64',
      os: 'linux',
      created: '2020-01-01T00:00:00Z',
      config: { Labels: labels },
      rootfs: { type: 'layers', diff_ids: [sampleBlob(tar, '').digest] },
      history: [],
    },
    'application/vnd.oci.image.config.v1+json',
  );
  const manifest = sampleBlob(
    {
      schemaVersion: 2,
      mediaType: imageManifestType,
      config: descriptor(config),
      layers: [descriptor(layer)],
      annotations: { 'org.opencontainers.image.vendor': 'Millrace' },
    },
    imageManifestType,
  );
  const index = sampleBlob(
    { schemaVersion: 2, mediaType: imageIndexType, manifests: [{ ...descriptor(manifest), platform: { architecture: 'amd64', os: 'linux' } }] },
    imageIndexType,
  );
  return { config, layer, manifest, index };
}
