import { ChannelCredentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FetchBlobRequest, FetchClient, FetchDirectoryRequest, PushBlobRequest, PushClient, PushDirectoryRequest } from '../../../libs/remote-apis/generated/build/bazel/remote/asset/v1/remote_asset.js';
import { Directory } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Artifact, ArtifactServiceClient } from '../../../libs/remote-apis/generated/buildstream/v2/artifact.js';
import { CapabilitiesClient as BuildstreamCapabilitiesClient, ReferenceStorageClient } from '../../../libs/remote-apis/generated/buildstream/v2/buildstream.js';
import { Source, SourceServiceClient } from '../../../libs/remote-apis/generated/buildstream/v2/source.js';
import { startTestCache, type TestCache } from '../__fixtures__/test-cache.js';
import { ask, connectClients, nobody, pusher, sha256, type TestClients } from '../__fixtures__/test-clients.js';

let cache: TestCache;
let clients: TestClients;
let fetches: FetchClient;
let pushes: PushClient;
let references: ReferenceStorageClient;
let artifacts: ArtifactServiceClient;
let sources: SourceServiceClient;
let capabilities: BuildstreamCapabilitiesClient;

beforeAll(async () => {
  cache = await startTestCache();
  clients = connectClients(cache.address);
  const insecure = ChannelCredentials.createInsecure();
  fetches = new FetchClient(cache.address, insecure);
  pushes = new PushClient(cache.address, insecure);
  references = new ReferenceStorageClient(cache.address, insecure);
  artifacts = new ArtifactServiceClient(cache.address, insecure);
  sources = new SourceServiceClient(cache.address, insecure);
  capabilities = new BuildstreamCapabilitiesClient(cache.address, insecure);
});

afterAll(async () => {
  for (const client of [clients, fetches, pushes, references, artifacts, sources, capabilities]) client.close();
  await cache.close();
});

/** Pushes blobs; gives their digests. */
async function upload(...contents: readonly Buffer[]) {
  await ask((done) => clients.storage.batchUpdateBlobs({ instanceName: '', requests: contents.map((data) => ({ digest: sha256(data), data, compressor: 0 })), digestFunction: 0 }, pusher(), done));
  return contents.map(sha256);
}

const fetchBlob = async (request: Partial<FetchBlobRequest>) => ask<{ blobDigest: unknown; status: unknown; uri: string; expiresAt: unknown }>((done) => fetches.fetchBlob(FetchBlobRequest.fromPartial(request), nobody(), done));
const fetchDirectory = async (request: Partial<FetchDirectoryRequest>) => ask<{ rootDirectoryDigest: unknown }>((done) => fetches.fetchDirectory(FetchDirectoryRequest.fromPartial(request), nobody(), done));
const pushBlob = async (request: Parameters<typeof PushBlobRequest.fromPartial>[0], metadata = pusher()) => ask((done) => pushes.pushBlob(PushBlobRequest.fromPartial(request), metadata, done));
const pushDirectory = async (request: Parameters<typeof PushDirectoryRequest.fromPartial>[0], metadata = pusher()) => ask((done) => pushes.pushDirectory(PushDirectoryRequest.fromPartial(request), metadata, done));

function tree(name: string, file: Buffer): Buffer {
  return Buffer.from(Directory.encode(Directory.fromPartial({ files: [{ name, digest: sha256(file), isExecutable: false }] })).finish());
}

describe('the Remote Asset API', () => {
  it('answers what clients ask at their start as each of them expects it', async () => {
    await expect(fetchBlob({})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(fetchDirectory({})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(pushBlob({})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(pushDirectory({})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(pushBlob({}, nobody())).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(fetchBlob({ uris: ['urn:unknown'] })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(fetchBlob({ uris: ['urn:x'], instanceName: 'nowhere' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    // BuildStream to 1.5 sends it in any case, and goes on to pull after this answer alone.
    const empty = { instanceName: '', requests: [], digestFunction: 0 };
    await expect(ask((done) => clients.storage.batchUpdateBlobs(empty, nobody(), done))).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    await expect(ask((done) => clients.storage.batchUpdateBlobs({ ...empty, requests: [{ digest: sha256(Buffer.from('x')), data: Buffer.from('x'), compressor: 0 }] }, nobody(), done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it('finds a blob only while all is there that it needs, files of its directories, too', async () => {
    const [proto, file] = [Buffer.from('artifact'), Buffer.from('a file')];
    const root = tree('hello', file);
    const [digest, rootDigest] = await upload(proto, root);
    await pushBlob({ uris: ['urn:strong', 'urn:weak'], blobDigest: digest!, referencesDirectories: [rootDigest!] });
    await expect(fetchBlob({ uris: ['urn:strong'] })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await upload(file);
    expect(await fetchBlob({ uris: ['urn:other', 'urn:weak'] })).toMatchObject({ blobDigest: digest, uri: 'urn:weak', status: { code: 0 }, expiresAt: expect.anything() });
    await expect(fetchDirectory({ uris: ['urn:weak'] })).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('keeps instances apart, and leads to what was pushed last', async () => {
    const [one, other] = await upload(Buffer.from('one'), Buffer.from('other'));
    await pushBlob({ uris: ['urn:moved'], blobDigest: one! });
    await pushBlob({ uris: ['urn:moved'], blobDigest: other! });
    expect(await fetchBlob({ uris: ['urn:moved'], instanceName: 'main' })).toMatchObject({ blobDigest: other });
    await expect(fetchBlob({ uris: ['urn:moved'], instanceName: 'other' })).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe('services of older BuildStream', () => {
  it('lead by a reference to the directory that newer ones fetch by URI', async () => {
    const file = Buffer.from('another file');
    const [digest] = await upload(tree('name', file), file);
    expect(await ask((done) => references.status({ instanceName: '' }, pusher(), done))).toEqual({ allowUpdates: true });
    expect(await ask((done) => references.status({ instanceName: '' }, nobody(), done))).toEqual({ allowUpdates: false });
    await ask((done) => references.updateReference({ instanceName: '', keys: ['p/e/k', 'p/e/weak'], digest }, pusher(), done));
    expect(await ask((done) => references.getReference({ instanceName: '', key: 'p/e/weak' }, nobody(), done))).toEqual({ digest });
    expect(await fetchDirectory({ uris: ['urn:fdc:buildstream.build:2020:v1:p/e/k'] })).toMatchObject({ rootDirectoryDigest: digest });
    await pushDirectory({ uris: ['urn:fdc:buildstream.build:2020:v1:p/e/new'], rootDirectoryDigest: digest! });
    expect(await ask((done) => references.getReference({ instanceName: '', key: 'p/e/new' }, nobody(), done))).toEqual({ digest });
    await expect(ask((done) => references.getReference({ instanceName: '', key: 'p/e/none' }, nobody(), done))).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(ask((done) => references.updateReference({ instanceName: '', keys: ['k'], digest }, nobody(), done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it('keep artifacts and sources as the messages that newer ones push as blobs, once all is there', async () => {
    const file = Buffer.from('a third file');
    const [files] = [sha256(tree('third', file))];
    const artifact = Artifact.fromPartial({ version: 1, strongKey: 'strong', files, logs: [{ name: 'build', digest: sha256(file) }] });
    const update = { instanceName: '', cacheKey: 'p/e/k', artifact };
    await expect(ask((done) => artifacts.updateArtifact(update, pusher(), done))).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
    await upload(tree('third', file), file);
    await ask((done) => artifacts.updateArtifact(update, pusher(), done));
    expect(await ask((done) => artifacts.getArtifact({ instanceName: '', cacheKey: 'p/e/k' }, nobody(), done))).toEqual(artifact);
    expect(await fetchBlob({ uris: ['urn:fdc:buildstream.build:2020:artifact:p/e/k'] })).toMatchObject({ blobDigest: sha256(Buffer.from(Artifact.encode(artifact).finish())) });

    const source = Source.fromPartial({ version: 1, files });
    await ask((done) => sources.updateSource({ instanceName: '', cacheKey: 's', source }, pusher(), done));
    expect(await ask((done) => sources.getSource({ instanceName: '', cacheKey: 's' }, nobody(), done))).toEqual(source);
    await expect(ask((done) => sources.getSource({ instanceName: '', cacheKey: 'none' }, nobody(), done))).rejects.toMatchObject({ code: status.NOT_FOUND });
    expect(await ask((done) => capabilities.getCapabilities({ instanceName: '' }, nobody(), done))).toEqual({ artifactCapabilities: { allowUpdates: false }, sourceCapabilities: { allowUpdates: false } });
  });
});
