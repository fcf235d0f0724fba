import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { blobOf } from '../../libs/cache-engine/__fixtures__/engine-scene.js';
import type { SmallBlob } from '../../libs/cache-engine/artifact-cache.js';
import { openCacheParts, type CacheServiceParts } from '../../libs/cache-service/open-cache-parts.js';
import { openOstreeParts } from '../../libs/cache-service/open-ostree-parts.js';
import { openDatabase, type Database } from '../../libs/database/open-database.js';
import { createOstreeExport, type OstreeExport } from '../../libs/ostree-exports/ostree-export.js';
import { Directory } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { pushToken, startCachedGateway, type CachedGateway } from './cached-gateway.js';
import { ostreeClient } from './ostree-client.js';

describeWith('ostree', 'an OSTree repository of the cache over HTTP', () => {
  let served: CachedGateway;
  let database: Database;
  let parts: CacheServiceParts;
  let exporter: OstreeExport;
  const { signal } = new AbortController();
  const large = randomBytes(600_000);
  const ref = 'project/element.bst/0123';

  beforeAll(async () => {
    served = await startCachedGateway();
    database = await openDatabase(served.settings.databaseUrl ?? '');
    parts = await openCacheParts(database, { settings: served.settings });
    exporter = createOstreeExport(openOstreeParts(database, parts, served.settings.databaseUrl ?? ''));
    for (const instance of ['artifacts', 'team/one']) {
      await pushed(instance, `urn:fdc:buildstream.build:2020:v1:${ref}`);
      expect(await exporter.round(instance, { signal })).toMatchObject({ exported: 1 });
    }
  }, 60_000);
  afterAll(async () => {
    await parts?.close();
    await database?.close();
    await served?.close();
  });

  async function pushed(instance: string, key: string): Promise<void> {
    const kept = async (content: Buffer): Promise<SmallBlob> => {
      const blob = await blobOf(content);
      await parts.cache.writeBlobs(instance, [blob], { by: 'ann' });
      return blob;
    };
    const { digest } = await kept(large);
    const directory = await kept(Buffer.from(Directory.encode(Directory.fromPartial({ files: [{ name: 'large', digest: { hash: digest.hash, sizeBytes: digest.size } }] })).finish()));
    await parts.cache.putEntry({ instance, kind: 'directory', key, qualifiers: {}, target: { digest: directory.digest, shape: 'directory' }, value: undefined, references: [], properties: {}, expiresAt: undefined, origin: {} }, { by: 'ann' });
  }

  const get = (file: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Response> => fetch(`${served.url}/ostree/${file}`, { method, headers });

  it('is pulled by the real tool, which finds its refs in the summary', async () => {
    const client = await ostreeClient(served.home, `${served.url}/ostree/artifacts`);
    expect(await client.run('remote', 'refs', 'cache')).toBe(`cache:${ref}`);
    expect(readFileSync(path.join(await client.pulled(ref), 'large')).equals(large)).toBe(true);
  });

  it('is open to whom the settings of the instance say', async () => {
    const authorization = `Bearer ${pushToken}`;
    expect([(await get('team/one/summary')).status, (await get('team/one/summary', { authorization })).headers.get('cache-control')]).toEqual([401, 'private, no-cache']);
    const client = await ostreeClient(served.home, `${served.url}/ostree/team/one`, { authorization });
    expect(readFileSync(path.join(await client.pulled(ref), 'large')).equals(large)).toBe(true);
  });

  it('has objects for ever, and what changes is asked for again', async () => {
    const commit = (await (await get(`artifacts/refs/heads/${ref}`)).text()).trim();
    const object = `artifacts/objects/${commit.slice(0, 2)}/${commit.slice(2)}.commit`;
    const whole = await get(object);
    const bytes = Buffer.from(await whole.arrayBuffer());
    expect([whole.status, whole.headers.get('cache-control'), whole.headers.get('x-content-type-options')]).toEqual([200, 'public, max-age=31536000, immutable', 'nosniff']);
    const part = await get(object, { range: 'bytes=5-9' });
    expect([part.status, part.headers.get('content-range'), Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(5, 10))]).toEqual([206, `bytes 5-9/${bytes.length}`, true]);
    const head = await get('artifacts/summary', {}, 'HEAD');
    expect([head.status, head.headers.get('cache-control'), Number(head.headers.get('content-length')) > 0]).toEqual([200, 'public, no-cache', true]);
    const etag = head.headers.get('etag') ?? '';
    expect((await get('artifacts/summary', { 'if-none-match': etag })).status).toBe(304);
    await pushed('artifacts', `urn:fdc:buildstream.build:2020:v1:project/element.bst/weak`);
    await exporter.round('artifacts', { signal });
    expect((await get('artifacts/summary', { 'if-none-match': etag })).status).toBe(200);
  });

  it.each(['artifacts/summary.sig', 'artifacts/deltas/aa/bb/superblock', 'artifacts/refs/heads/project/none', 'artifacts/refs/heads/..%2f..%2fconfig', 'artifacts/objects/', 'artifacts', 'small/config', 'none/config', 'main/summary', `artifacts/objects/00/${'0'.repeat(62)}.filez`, '..%2f.ostree/artifacts/config'])('has no %s', async (file) => {
    const answer = await get(file);
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'no-store']);
  });

  it('is read and never written', async () => {
    for (const method of ['PUT', 'POST', 'DELETE']) expect([404, 405]).toContain((await get('artifacts/config', { authorization: `Bearer ${pushToken}` }, method)).status);
    expect(await (await get('artifacts/config')).text()).toContain('mode=archive-z2');
  });
});
