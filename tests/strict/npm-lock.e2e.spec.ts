import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from '../clients/describe-client.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { startNpmRegistry, tarballPath, type NpmRegistry } from './npm-registry.js';
import { recordVerdict } from './record-verdict.js';

const approved = ['application/x.npm.package @millrace/sample 1.0.0 Approved', 'application/x.npm.packument @millrace/sample Approved'];
const mismatch = "the tarball's sha512 digest is not the one that the package document declares";

describeClient('npm', ({ service, directory }) => {
  let registry: NpmRegistry | undefined;
  beforeAll(async () => {
    registry = await startNpmRegistry(service());
  });
  afterAll(() => registry?.close());

  /** A project whose lock file has the tarball's URL and digest, so that npm asks for nothing else. */
  function project(): { readonly directory: string; readonly environment: Record<string, string> } {
    const build = directory();
    const url = registry?.url ?? '';
    const root = { name: 'x', version: '1.0.0', dependencies: { '@millrace/sample': '1.0.0' } };
    const sample = { version: '1.0.0', resolved: url + tarballPath, integrity: registry?.integrity };
    writeFileSync(path.join(build, 'package.json'), JSON.stringify(root));
    writeFileSync(
      path.join(build, 'package-lock.json'),
      JSON.stringify({ name: 'x', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': root, 'node_modules/@millrace/sample': sample } }),
    );
    return { directory: build, environment: { npm_config_cache: path.join(build, 'cache'), npm_config_registry: `${url}/` } };
  }

  const command = ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=0'];
  const row = { ecosystem: 'npm', client: 'npm ci', build: 'a lock file alone, from a registry on loopback' };

  it('installs from a lock file in a strict session, where only the inspector asks for the document', async () => {
    registry?.serve('honest');
    const scene = project();
    const { report } = await runInSession(service(), { policy: 'strict', ...scene, command });
    expect(summaries(report)).toEqual(approved);
    expect(registry?.asked.map((url) => url.toLowerCase()).sort()).toEqual(['/@millrace%2fsample', tarballPath]);
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ...row, verdict: 'passes' });
  }, 90_000);

  it('gets no tarball that differs from what the registry declares, whatever the lock file says', async () => {
    registry?.serve('tampered');
    const scene = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...scene, command });
    expect(existsSync(path.join(scene.directory, 'node_modules', '@millrace', 'sample', 'package.json'))).toBe(false);
    expect(report['refused-requests']).toMatchObject([{ rule: 'verdict', reason: expect.stringContaining(mismatch) }]);
    recordVerdict({ ...row, verdict: 'refused', reason: mismatch });
  }, 90_000);
});
