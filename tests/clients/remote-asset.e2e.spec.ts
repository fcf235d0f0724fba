import { createHash } from 'node:crypto';
import { ChannelCredentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { FetchBlobRequest, FetchClient, type FetchBlobResponse } from '../../libs/remote-apis/generated/build/bazel/remote/asset/v1/remote_asset.js';
import { describeClient } from './describe-client.js';
import { startOrigin, type LoopbackOrigin } from './loopback-origin.js';

/** A client of the Remote Asset API, as Bazel's downloader is one; curl looks at what the session recorded. */
describeClient('curl', ({ service }) => {
  const content = Buffer.from(`content of ${process.pid} at ${process.hrtime.bigint()}`);
  let client: FetchClient;
  let origin: LoopbackOrigin;

  beforeAll(async () => {
    origin = await startOrigin(service(), 'https', (request, response) => response.end(request.url === '/source.txt' ? content : ''));
    client = new FetchClient(service().addresses.cache.replace(/^grpc:\/\//, ''), ChannelCredentials.createInsecure());
  });

  afterAll(async () => {
    client.close();
    await origin.close();
  });

  function fetchBlob(request: Parameters<typeof FetchBlobRequest.fromPartial>[0], credentials?: string): Promise<FetchBlobResponse> {
    const metadata = new Metadata();
    if (credentials !== undefined) metadata.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
    return new Promise((resolve, reject) => {
      client.fetchBlob(FetchBlobRequest.fromPartial(request), metadata, (error: ServiceError | null, answer) => (error === null ? resolve(answer) : reject(error)));
    });
  }

  async function control(path: string): Promise<{ readonly items: readonly Readonly<Record<string, unknown>>[] }> {
    const response = await fetch(`${service().addresses.control}${path}`, { headers: { authorization: `Basic ${Buffer.from(service().controlAuth).toString('base64')}` } });
    return (await response.json()) as { items: Readonly<Record<string, unknown>>[] };
  }

  it('has a URL downloaded through a session of the cache, once, and others find it', async () => {
    const sha256 = createHash('sha256').update(content);
    const [hash, sri] = [sha256.copy().digest('hex'), `sha256-${sha256.digest('base64')}`];
    const request = { uris: [`${origin.url}/source.txt`], qualifiers: [{ name: 'checksum.sri', value: sri }] };
    expect(await fetchBlob(request)).toMatchObject({ status: { code: status.PERMISSION_DENIED } });
    expect(await fetchBlob(request, service().controlAuth)).toMatchObject({ status: { code: status.OK }, uri: `${origin.url}/source.txt`, blobDigest: { hash, sizeBytes: content.length } });
    expect(await fetchBlob(request)).toMatchObject({ status: { code: status.OK }, blobDigest: { hash } });
    expect(origin.requests).toEqual(['GET /source.txt']);
    const [owner] = service().controlAuth.split(':');
    const sessions = (await control('/v1/sessions?state=ended&limit=50')).items.filter((session) => session['owner'] === owner);
    const downloads = await Promise.all(sessions.map(async ({ id }) => (await control(`/v1/sessions/${String(id)}/downloads`)).items));
    expect(downloads.flat()).toContainEqual(expect.objectContaining({ url: `${origin.url}/source.txt`, sha256: hash }));
  });
});
