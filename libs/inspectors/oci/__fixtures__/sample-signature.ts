import { createHash, sign, type KeyObject } from 'node:crypto';
import { buildSampleImage, descriptor, imageManifestType, sampleBlob, type SampleBlob } from './sample-image.js';

/** What cosign keeps beside an image: the payload, and a manifest whose one layer has the signature. */
export interface SampleSignature {
  readonly payload: SampleBlob;
  readonly manifest: SampleBlob;
}

export function signImage(digest: string, signer: KeyObject): SampleSignature {
  const critical = {
    identity: { 'docker-reference': 'registry.example/mill/sample' },
    image: { 'docker-manifest-digest': digest },
    type: 'cosign container image signature',
  };
  const payload = sampleBlob({ critical, optional: null }, 'application/vnd.dev.cosign.simplesigning.v1+json');
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload.bytes, signer).toString('base64');
  const layers = [{ ...descriptor(payload), annotations: { 'dev.cosignproject.cosign/signature': signature } }];
  const config = descriptor(buildSampleImage().config);
  return { payload, manifest: sampleBlob({ schemaVersion: 2, mediaType: imageManifestType, config, layers }, imageManifestType) };
}

export function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** As `signedBy` names a key. */
export function keyIdOf(key: KeyObject): string {
  return `cosign:${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`;
}
