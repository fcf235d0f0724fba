import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { signedPayloadType } from './cosign-signature.js';
import { buildSampleImage, descriptor, imageManifestType, sampleBlob, type SampleBlob } from './__fixtures__/sample-image.js';
import { keyIdOf, pem, signImage } from './__fixtures__/sample-signature.js';

const base = 'https://registry.example/v2/mill/sample';
const image = buildSampleImage();
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const others = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyId = keyIdOf(keys.publicKey);

/** A session that may ask a registry which has these blobs by path. */
function sessionWith(publicKey: unknown, registry: Readonly<Record<string, SampleBlob>>): InspectionContext {
  const plain = { ...createContext(), configuration: { oci: { 'public-key': publicKey } } };
  const consult: InspectionContext['consult'] = async (url) => {
    const blob = registry[url.replace('https://registry.example:443/v2/mill/sample', '')];
    if (blob === undefined) return 'unreachable';
    const result = await inspect(createRequest(url), { bytes: blob.bytes, headers: { 'content-type': blob.mediaType } }, { ...plain, consult });
    return result.verdict === 'Approved' ? 'approved' : 'refused';
  };
  return { ...plain, consult };
}

async function signersOfImage(publicKey: unknown, signer: KeyObject, digest = image.index.digest) {
  const { payload, manifest } = signImage(digest, signer);
  const registry = { [`/manifests/${image.index.digest.replace(':', '-')}.sig`]: manifest, [`/blobs/${payload.digest}`]: payload };
  const context = sessionWith(publicKey, registry);
  const index = await inspect(createRequest(`${base}/manifests/1.0`), { bytes: image.index.bytes }, context);
  expect(index.verdict).toBe('Approved');
  const child = await inspect(createRequest(`${base}/manifests/${image.manifest.digest}`), { bytes: image.manifest.bytes }, context);
  const layer = await inspect(createRequest(`${base}/blobs/${image.layer.digest}`), { bytes: image.layer.bytes }, context);
  return [index, child, layer].map(({ metadata }) => metadata.signedBy);
}

describe('signatures of cosign', () => {
  it('are found beside the image; what a signed manifest declares is signed too', async () => {
    expect(await signersOfImage(pem(keys.publicKey), keys.privateKey)).toEqual([keyId, keyId, keyId]);
    expect(await signersOfImage([pem(others.publicKey), pem(keys.publicKey)], keys.privateKey)).toEqual([keyId, keyId, keyId]);
  });

  it('do not count by another key, or over another image', async () => {
    expect(await signersOfImage(pem(keys.publicKey), others.privateKey)).toEqual([undefined, undefined, undefined]);
    expect(await signersOfImage(pem(keys.publicKey), keys.privateKey, image.layer.digest)).toEqual([undefined, undefined, undefined]);
  });

  it.each<[string, KeyObject, KeyObject]>([
    ['Ed25519', ...pairOf(generateKeyPairSync('ed25519'))],
    ['RSA', ...pairOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))],
  ])('may be by %s', async (_name, publicKey, privateKey) => {
    const { payload, manifest } = signImage(image.index.digest, privateKey);
    const context = sessionWith(pem(publicKey), {});
    await inspect(createRequest(`${base}/manifests/${image.index.digest.replace(':', '-')}.sig`), { bytes: manifest.bytes }, context);
    const result = await inspect(createRequest(`${base}/blobs/${payload.digest}`), { bytes: payload.bytes }, context);
    expect(result.metadata.signedBy).toMatch(/^cosign:[0-9a-f]{64}$/);
  });

  it.each([['no key'], [7], [pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)]])(
    'refuse a configured key that is none, or too weak',
    async (key) => {
      const result = await inspect(createRequest(`${base}/manifests/1.0`), { bytes: image.index.bytes }, sessionWith(key, {}));
      expect(result.inspections['oci.manifest']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('"oci.public-key"') });
    },
  );

  it('refuse a payload that names no image', async () => {
    const payload = sampleBlob({ critical: {} }, signedPayloadType);
    const context = createContext();
    const manifest = sampleBlob({ schemaVersion: 2, config: descriptor(image.config), layers: [descriptor(payload)] }, imageManifestType);
    await inspect(createRequest(`${base}/manifests/1.0`), { bytes: manifest.bytes }, context);
    const result = await inspect(createRequest(`${base}/blobs/${payload.digest}`), { bytes: payload.bytes }, context);
    expect(result.inspections['oci.blob']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('names no image') });
  });
});

function pairOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): [KeyObject, KeyObject] {
  return [publicKey, privateKey];
}
