import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeCacheToken } from '../../libs/cache-access/token-login.js';
import { query } from '../../libs/database/sql.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { specDatabase } from '../../libs/testing/spec-database.js';
import { writeTestCertificates } from '../../libs/testing/test-certificates.js';
import { buildstreamPython, openCheckout, type Checkout } from './buildstream-client.js';
import { writeProjectOf2 } from './buildstream-project.js';
import { startCacheForClients, type CacheForClients } from './cache-for-clients.js';

/** The client itself, BuildStream 2.8.1 of the Python index, with buildbox-casd and a sandbox of bubblewrap. */
describeWith('bwrap', 'BuildStream 2 at the artifact cache', () => {
  const spec = specDatabase();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bst2-'));
  const at = (name: string): string => path.join(folder, name);
  const builder = makeCacheToken();
  let cache: CacheForClients;
  let files: ReturnType<typeof writeTestCertificates>;

  beforeAll(async () => {
    writeProjectOf2(at('project'));
    files = writeTestCertificates(folder, 'builder');
    cache = await startCache();
    await buildstreamPython('2.8.1');
    writeFileSync(at('token'), builder.token);
    writeFileSync(at('wrong-token'), makeCacheToken().token);
  }, 300_000);

  function startCache(): Promise<CacheForClients> {
    return startCacheForClients({
      database: spec.database,
      folder,
      instances: [{ name: 'main' }, { name: 'index', storageElsewhere: true }, { name: 'storage' }],
      login: { tokens: { builder: { sha256: builder.sha256 } } },
      access: { pull: 'known', push: [{ tokens: ['builder'] }] },
      tls: { ...files.server, clientAuthorities: files.authority },
    });
  }

  afterAll(async () => {
    await cache[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Server {
    readonly instance?: string;
    readonly type?: string;
    readonly push?: boolean;
    readonly token?: string;
    /** Shows the client certificate of a developer, who may pull. */
    readonly certificate?: boolean;
  }

  function servers(list: readonly Server[]): string {
    const entries = list.map(({ instance = 'main', type = 'all', push = false, token, certificate = false }) => {
      const auth = [`server-cert: ${files.authority}`, ...(token === undefined ? [] : [`access-token: ${at(token)}`]), ...(certificate ? [`client-cert: ${files.client.certificate}`, `client-key: ${files.client.key}`] : [])];
      return `  - url: https://localhost:${cache.port}\n    instance-name: ${instance}\n    type: ${type}\n    push: ${push}\n    auth: {${auth.join(', ')}}\n`;
    });
    return ['artifacts', 'source-caches'].map((kind) => `${kind}:\n  servers:\n${entries.join('')}`).join('');
  }

  const checkout = (name: string, list: readonly Server[]): Promise<Checkout> => openCheckout(at(name), { version: '2.8.1', project: at('project'), caches: servers(list) });

  it('pushes with a token what another pulls with a certificate, without building or fetching anything', async () => {
    const one = await checkout('one', [{ push: true, token: 'token' }]);
    const built = await one.bst('build', 'all.bst');
    expect(built).toMatchObject({ code: 0, processed: { Pull: 0, Build: 3, Push: 3, 'Src-push': 3 } });

    const two = await checkout('two', [{ certificate: true }]);
    expect(await two.bst('build', 'all.bst')).toMatchObject({ code: 0, processed: { Pull: 3, Build: 0 } });
    expect((await two.bst('artifact', 'checkout', 'made.bst', '--directory', at('made'))).code).toBe(0);
    expect(readFileSync(path.join(at('made'), 'made'), 'utf8')).toMatch(/^1 is made of hello\n[^]*1000 is made of hello\n$/);

    // Without sources of its own, out of the source cache.
    rmSync(path.join(two.project, 'files/large'));
    two.wipe();
    one.wipe();
    const again = await one.bst('build', 'all.bst');
    expect(again).toMatchObject({ code: 0, processed: { Pull: 3, Build: 0, Push: 0 } });
    const pushed = await query<{ pushed_by: string }>(spec.database, 'select distinct pushed_by from cache_entries', []);
    expect(pushed).toEqual([{ pushed_by: expect.stringContaining('builder') }]);
  }, 100_000);

  it('finds nothing, and builds, where the store has lost a blob', async () => {
    rmSync(cache.blobs, { recursive: true, force: true });
    // Nothing of it is in memory any more.
    await cache[Symbol.asyncDispose]();
    cache = await startCache();
    const two = await checkout('three', [{ certificate: true }]);
    expect(await two.bst('build', 'all.bst')).toMatchObject({ code: 0, processed: { Build: 1 } });
    // What was found out then is a miss from now on.
    two.wipe();
    const again = await two.bst('build', 'made.bst');
    expect(again).toMatchObject({ code: 0, processed: { Build: 1 } });
    expect(again.output).toMatch(/does not have artifact \w+ cached/);
  }, 100_000);

  it('keeps index and storage in instances of their own', async () => {
    const one = await checkout('four', [{ instance: 'index', type: 'index', push: true, token: 'token' }, { instance: 'storage', type: 'storage', push: true, token: 'token' }]);
    expect(await one.bst('build', 'made.bst')).toMatchObject({ code: 0, processed: { Build: 2, Push: 2 } });
    one.wipe();
    expect(await one.bst('build', 'made.bst')).toMatchObject({ code: 0, processed: { Pull: 1, Build: 0 } });
  }, 100_000);

  it('is told at its start that it may not push, or not even pull', async () => {
    const pushing = await checkout('five', [{ push: true, certificate: true }]);
    expect((await pushing.bst('build', 'base.bst')).output).toMatch(/Failed to initialize remote .*PERMISSION_DENIED/);
    const wrong = await checkout('six', [{ token: 'wrong-token' }]);
    expect((await wrong.bst('build', 'base.bst')).output).toMatch(/Failed to initialize remote .*UNAUTHENTICATED/);
  }, 100_000);
});
