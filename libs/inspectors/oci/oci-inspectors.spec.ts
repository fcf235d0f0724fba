import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import { createContext, createRequest, inspect, type SampleResponse } from '../__fixtures__/exchange.js';
import { surviveMutation } from './__fixtures__/survive-mutation.js';
import { target } from './__fuzz__/oci.fuzz.js';
import { buildSampleImage, descriptor, imageIndexType, imageManifestType, sampleBlob, type SampleBlob } from './__fixtures__/sample-image.js';

const base = 'https://registry.example/v2/mill/sample';
const image = buildSampleImage();

function ask(path: string, sample: SampleResponse, context: InspectionContext = createContext(), method = 'GET') {
  return inspect(createRequest(base + path, {}, method), sample, context);
}

function served({ bytes, mediaType }: SampleBlob, headers: Readonly<Record<string, string>> = {}): SampleResponse {
  return { bytes, headers: { 'content-type': mediaType, ...headers } };
}

async function manifestOpinion(document: unknown, contentType = imageManifestType): Promise<string> {
  const bytes = Buffer.isBuffer(document) ? document : Buffer.from(JSON.stringify(document));
  const result = await ask('/manifests/1.0', { bytes, headers: { 'content-type': contentType } });
  return `${result.verdict}: ${result.inspections['oci.manifest']?.reason}`;
}

/** What a manifest teaches. */
async function learn(context: InspectionContext): Promise<void> {
  expect(await ask(`/manifests/${image.manifest.digest}`, served(image.manifest), context)).toMatchObject({ verdict: 'Approved' });
}

describe('oci.manifest', () => {
  it('approves an index by tag, and then the manifest that it declares', async () => {
    const context = createContext();
    const index = await ask('/manifests/1.0', served(image.index, { 'docker-content-digest': image.index.digest }), context);
    expect(index).toMatchObject({
      verdict: 'Approved',
      metadata: {
        type: imageIndexType,
        name: 'mill/sample',
        version: '1.0',
        purl: `pkg:oci/sample@${image.index.digest.replace(':', '%3A')}?repository_url=registry.example/mill/sample&tag=1.0`,
      },
    });
    const manifest = await ask(`/manifests/${image.manifest.digest}`, served(image.manifest), context);
    expect(manifest).toMatchObject({
      verdict: 'Approved',
      metadata: { type: imageManifestType, version: image.manifest.digest, architecture: 'amd64', vendor: 'Millrace' },
    });
    expect(manifest.inspections['oci.manifest']?.annotations).toMatchObject({ 'declared-by': [image.index.digest] });
  });

  it('takes a sha512 digest and the bytes under a content coding', async () => {
    const digest = `sha512:${createHash('sha512').update(image.manifest.bytes).digest('hex')}`;
    const result = await ask(`/manifests/${digest}`, {
      bytes: gzipSync(image.manifest.bytes),
      headers: { 'content-encoding': 'gzip', 'docker-content-digest': image.manifest.digest },
    });
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { version: digest } });
  });

  it('refuses one byte more or another, by digest and by the registry’s own header', async () => {
    const changed = { ...image.manifest, bytes: Buffer.concat([image.manifest.bytes, Buffer.from(' ')]) };
    const byDigest = await ask(`/manifests/${image.manifest.digest}`, served(changed));
    expect(byDigest.inspections['oci.manifest']).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringMatching(/^the manifest's digest is sha256:\w+, not the one in its URL/),
    });
    const byTag = await ask('/manifests/1.0', served(changed, { 'docker-content-digest': image.manifest.digest }));
    expect(byTag.inspections['oci.manifest']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('but the registry calls it sha256:') });
  });

  it('refuses a manifest whose size is not the one in the index', async () => {
    const context = createContext();
    const lying = sampleBlob({ schemaVersion: 2, manifests: [{ ...descriptor(image.manifest), size: 3 }] }, imageIndexType);
    expect(await ask('/manifests/1.0', served(lying), context)).toMatchObject({ verdict: 'Approved' });
    const result = await ask(`/manifests/${image.manifest.digest}`, served(image.manifest), context);
    expect(result.inspections['oci.manifest']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('the image index declares 3') });
  });

  it('reads a document without a media type by its fields, under a general content type too', async () => {
    const document = { schemaVersion: 2, config: descriptor(image.config), layers: [] };
    expect(await manifestOpinion(document, 'application/json')).toContain('Approved');
    expect(
      await manifestOpinion(
        { mediaType: 'application/vnd.oci.artifact.manifest.v1+json', blobs: [descriptor(image.layer)], subject: descriptor(image.manifest) },
        '',
      ),
    ).toContain('Approved');
  });

  it.each<[string, unknown, string?]>([
    ['schema 1', { schemaVersion: 1, fsLayers: [], history: [] }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    ['schema 1', { schemaVersion: 1 }],
    ['the response calls the manifest', { schemaVersion: 2, mediaType: imageIndexType, manifests: [] }],
    ['does not have the fields', { schemaVersion: 2, mediaType: imageManifestType, manifests: [] }],
    ['does not have the fields', { schemaVersion: 2, config: descriptor(image.config), layers: [], manifests: [] }],
    ['misspelt field "Layers"', { schemaVersion: 2, config: descriptor(image.config), layers: [], Layers: [] }],
    ['misspelt field "MediaType"', { schemaVersion: 2, config: descriptor(image.config), layers: [], MediaType: imageIndexType }],
    ['unsupported media type', { schemaVersion: 2, mediaType: 'text/html' }, 'application/json'],
    ['media type of the manifest is not a string', { mediaType: 7 }],
    ['does not have schema version 2', { schemaVersion: 3, config: descriptor(image.config), layers: [] }],
    [
      'layers[0] of the manifest has no sha256',
      { schemaVersion: 2, config: descriptor(image.config), layers: [{ ...descriptor(image.layer), digest: 'md5:00' }] },
    ],
    ['layers[0] of the manifest has no size', { schemaVersion: 2, config: descriptor(image.config), layers: [{ ...descriptor(image.layer), size: -1 }] }],
    ['config of the manifest has no media type', { schemaVersion: 2, config: { ...descriptor(image.config), mediaType: 'x' }, layers: [] }],
    ['layers[0] of the manifest is not a descriptor', { schemaVersion: 2, config: descriptor(image.config), layers: [1] }],
    ['"layers" of the manifest is not a list', { schemaVersion: 2, config: descriptor(image.config), layers: {} }],
    ['two sizes', { schemaVersion: 2, config: descriptor(image.config), layers: [{ ...descriptor(image.config), size: 1 }] }],
    ['more than 2048', { schemaVersion: 2, config: descriptor(image.config), layers: Array.from({ length: 2048 }, () => descriptor(image.layer)) }],
    ['not a JSON object', []],
    ['nested deeper', Buffer.from('['.repeat(100_000))],
    ['larger than', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)],
  ])('refuses: %s', async (...[reason, document, contentType]) => {
    const opinion = await manifestOpinion(document, contentType);
    expect(opinion).toContain('Rejected: ');
    expect(opinion).toContain(reason);
  });

  it.each(['/manifests/a:b', '/manifests/sha256:00', '/manifests/..', '/blobs/sha1:0000', '/UPPER/manifests/1.0'])(
    'does not take %s for a reference',
    async (path) => {
      expect((await ask(path, { bytes: image.manifest.bytes })).verdict).toBe('Rejected');
    },
  );

  it('approves an answer to HEAD, which has no content', async () => {
    expect(
      await ask('/manifests/1.0', { bytes: Buffer.alloc(0), headers: { 'docker-content-digest': image.index.digest } }, createContext(), 'HEAD'),
    ).toMatchObject({ verdict: 'Approved' });
  });
});

describe('oci.blob', () => {
  it('approves what a manifest of the session declares, and reads the configuration', async () => {
    const context = createContext();
    await learn(context);
    const layer = await ask(`/blobs/${image.layer.digest}`, served(image.layer), context);
    expect(layer).toMatchObject({ verdict: 'Approved', metadata: { type: image.layer.mediaType, name: 'mill/sample', version: image.layer.digest } });
    const config = await ask(`/blobs/${image.config.digest}`, served(image.config), context);
    expect(config).toMatchObject({
      verdict: 'Approved',
      metadata: { type: image.config.mediaType, architecture: 'amd64', vendor: 'Millrace', license: 'Apache-2.0', description: 'A sample image' },
    });
    expect(config.metadata.published).toBeUndefined();
    expect(config.inspections['oci.blob']?.annotations).toMatchObject({ os: 'linux', created: '2020-01-01T00:00:00Z', 'declared-by': [image.manifest.digest] });
  });

  it('knows nothing of a blob that no manifest names, and says what to do', async () => {
    const { verdict, inspections } = await ask(`/blobs/${image.layer.digest}`, served(image.layer));
    expect({ verdict, opinion: inspections['oci.blob']?.opinion }).toEqual({ verdict: 'Rejected', opinion: 'Unknown' });
    expect(inspections['oci.blob']?.reason).toContain('its image store is empty');
  });

  it('refuses one changed byte, and a size that is not the declared one', async () => {
    const context = createContext();
    await learn(context);
    const changed = Buffer.from(image.layer.bytes);
    changed[20] = (changed[20] as number) ^ 1;
    const result = await ask(`/blobs/${image.layer.digest}`, { bytes: changed }, context);
    expect(result.inspections['oci.blob']).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringMatching(/^the blob's digest is sha256:\w+, not the one in its URL/),
    });

    const other = createContext();
    const lying = sampleBlob({ schemaVersion: 2, config: descriptor(image.config), layers: [{ ...descriptor(image.layer), size: 1 }] }, imageManifestType);
    await ask('/manifests/1.0', served(lying), other);
    expect((await ask(`/blobs/${image.layer.digest}`, served(image.layer), other)).inspections['oci.blob']?.reason).toContain('but the manifest declares 1');
  });

  it('refuses a configuration that is none', async () => {
    const context = createContext();
    const config = { ...sampleBlob({ architecture: 7 }, image.config.mediaType) };
    await ask('/manifests/1.0', served(sampleBlob({ schemaVersion: 2, config: descriptor(config), layers: [] }, imageManifestType)), context);
    expect((await ask(`/blobs/${config.digest}`, served(config), context)).inspections['oci.blob']?.reason).toContain('names no architecture');
  });
});

describe('oci.token, oci.list and oci.push', () => {
  const realm = 'https://login.registry.example/some/realm?service=registry.example&scope=repository:mill/sample:pull';

  it('approves a token without telling it', async () => {
    for (const key of ['token', 'access_token']) {
      const result = await inspect(createRequest(realm), { bytes: Buffer.from(JSON.stringify({ [key]: 'the-secret-token' })) }, createContext());
      expect(result).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.oci.token' } });
      expect(JSON.stringify(result)).not.toContain('the-secret-token');
    }
    const form = { ...createRequest('https://registry.example/oauth2/token', { 'content-type': 'application/x-www-form-urlencoded' }, 'POST') };
    const answer = { bytes: Buffer.from('{"access_token":"t"}') };
    expect((await inspect(form, answer, createContext())).verdict).toBe('Rejected');
    const posted = { ...form, body: Buffer.from('grant_type=refresh_token&service=registry.example&scope=repository:mill/sample:pull&refresh_token=x') };
    expect((await inspect(posted, answer, createContext())).verdict).toBe('Approved');
  });

  it.each(['{}', '[]', '{"token":""}', '{"token":7}', '<html>'])('refuses %s for a token', async (text) => {
    expect((await inspect(createRequest(realm), { bytes: Buffer.from(text) }, createContext())).verdict).toBe('Rejected');
  });

  it.each([
    'https://registry.example/any?service=x',
    'https://registry.example/any?service=x&scope=everything',
    'https://registry.example/token?scope=repository:a:pull',
  ])('does not take %s for a request for a token', async (url) => {
    expect(Object.keys((await inspect(createRequest(url), { bytes: Buffer.from('{"token":"t"}') }, createContext())).inspections)).toEqual(['default']);
  });

  it('approves the version check and lists', async () => {
    const at = (path: string, text: string) => inspect(createRequest(`https://registry.example/v2/${path}`), { bytes: Buffer.from(text) }, createContext());
    for (const text of ['', '{}', 'true']) expect((await at('', text)).verdict).toBe('Approved');
    for (const text of ['<html>', `"${'x'.repeat(5000)}"`]) expect((await at('', text)).verdict).toBe('Rejected');
    expect(await at('mill/sample/tags/list?n=2', '{"name":"mill/sample","tags":["1.0","latest"]}')).toMatchObject({
      verdict: 'Approved',
      metadata: { name: 'mill/sample' },
    });
    expect((await at('mill/sample/tags/list', '{"name":"mill/sample","tags":null}')).verdict).toBe('Approved');
    for (const text of ['{"tags":["a/b"]}', '{"tags":[1]}', '{"tags":{}}', '[]']) expect((await at('mill/sample/tags/list', text)).verdict).toBe('Rejected');
    expect((await at('_catalog', '{"repositories":["mill/sample"]}')).verdict).toBe('Approved');
  });

  it('approves referrers and learns what they name', async () => {
    const context = createContext();
    const result = await ask(`/referrers/${image.layer.digest}`, served(image.index), context);
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.oci.referrers' } });
    expect((await ask(`/referrers/${image.layer.digest}`, served(image.manifest))).verdict).toBe('Rejected');
  });

  it.each([
    ['POST', '/blobs/uploads/'],
    ['PATCH', '/blobs/uploads/1234'],
    ['PUT', '/manifests/1.0'],
    ['DELETE', `/manifests/${image.manifest.digest}`],
    ['POST', `/blobs/uploads/?mount=${image.layer.digest}&from=mill/other`],
  ])('refuses to push: %s %s', async (method, path) => {
    const result = await ask(path, { bytes: Buffer.alloc(0), status: 202 }, createContext(), method);
    expect(result.verdict).toBe('Rejected');
  });
});

describe('hostile bytes', () => {
  it('never crash a parser', async () => {
    await surviveMutation(target);
  });
});
