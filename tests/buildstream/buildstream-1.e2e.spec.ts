import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../libs/testing/describe-with.js';
import { specDatabase } from '../../libs/testing/spec-database.js';
import { writeTestCertificates } from '../../libs/testing/test-certificates.js';
import { buildstreamPython, openCheckout, type BuildstreamVersion, type Checkout } from './buildstream-client.js';
import { writeProjectOf1 } from './buildstream-project.js';
import { startCacheForClients, type CacheForClients } from './cache-for-clients.js';

/** The clients themselves, of the Python index: 1.6.9 speaks the Remote Asset API, 1.4.3 ReferenceStorage. They give an element the same key. */
describeWith('bwrap', 'BuildStream 1 at the artifact cache', () => {
  const spec = specDatabase();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bst1-'));
  const at = (name: string): string => path.join(folder, name);
  let cache: CacheForClients;
  let files: ReturnType<typeof writeTestCertificates>;

  beforeAll(async () => {
    writeProjectOf1(at('project'));
    files = writeTestCertificates(folder, 'builder');
    cache = await startCacheForClients({ database: spec.database, folder, access: { push: [{ subjects: ['CN=builder'] }] }, tls: { ...files.server, clientAuthorities: files.authority } });
    for (const version of ['1.6.9', '1.4.3'] as const) await buildstreamPython(version);
  }, 300_000);

  afterAll(async () => {
    await cache[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function checkout(name: string, version: BuildstreamVersion, { push = false, certificate = false }): Promise<Checkout> {
    const shown = certificate ? `  client-cert: ${files.client.certificate}\n  client-key: ${files.client.key}\n` : '';
    return openCheckout(at(name), { version, project: at('project'), caches: `artifacts:\n  url: https://localhost:${cache.port}\n  server-cert: ${files.authority}\n  push: ${push}\n${shown}` });
  }

  it('pushes with a certificate what others pull without one, of the same version and of an older', async () => {
    const one = await checkout('one', '1.6.9', { push: true, certificate: true });
    expect(await one.bst('build', 'all.bst')).toMatchObject({ code: 0, processed: { Pull: 0, Build: 3, Push: 3 } });
    one.wipe();
    expect(await one.bst('build', 'all.bst')).toMatchObject({ code: 0, processed: { Pull: 3, Build: 0, Push: 0 } });
    const two = await checkout('two', '1.4.3', {});
    expect(await two.bst('build', 'all.bst')).toMatchObject({ code: 0, processed: { Pull: 3, Build: 0 } });
    expect((await two.bst('checkout', 'base.bst', at('checked-out'))).code).toBe(0);
    expect(readFileSync(path.join(at('checked-out'), 'large')).equals(readFileSync(path.join(two.project, 'files/large')))).toBe(true);
  }, 100_000);

  it('is served what an older version pushed by references', async () => {
    rmSync(path.join(at('project'), 'files/hello'));
    const old = await checkout('three', '1.4.3', { push: true, certificate: true });
    expect(await old.bst('build', 'base.bst')).toMatchObject({ code: 0, processed: { Build: 1, Push: 1 } });
    const newer = await checkout('four', '1.6.9', {});
    expect(await newer.bst('build', 'base.bst')).toMatchObject({ code: 0, processed: { Pull: 1, Build: 0 } });
  }, 100_000);

  it.each<BuildstreamVersion>(['1.6.9', '1.4.3'])('of version %s is told at its start that it may not push', async (version) => {
    const anonymous = await checkout(`refused-${version}`, version, { push: true });
    const { output } = await anonymous.bst('build', 'all.bst');
    expect(output).toMatch(/Failed to (initialize|fetch) remote/i);
  }, 100_000);
});
