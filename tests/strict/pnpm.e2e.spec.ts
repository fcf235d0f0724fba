import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from '../clients/describe-client.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { installFromNpm } from './install-tool.js';
import { startNpmRegistry, type NpmRegistry } from './npm-registry.js';
import { recordVerdict } from './record-verdict.js';

const mismatch = "the tarball's sha512 digest is not the one that the package document declares";

// pnpm itself comes from the npm registry, by npm.
describeClient('npm', ({ service, directory }) => {
  let registry: NpmRegistry | undefined;
  let pnpm = '';
  beforeAll(async () => {
    registry = await startNpmRegistry(service());
    pnpm = path.join(await installFromNpm(directory(), 'pnpm@9.15.9'), 'pnpm', 'bin', 'pnpm.cjs');
  }, 120_000);
  afterAll(() => registry?.close());

  function project(): string {
    const build = directory();
    writeFileSync(path.join(build, '.npmrc'), `registry=${registry?.url}/\nfetch-retries=0\n`);
    writeFileSync(path.join(build, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', dependencies: { '@millrace/sample': '1.0.0' } }));
    return build;
  }

  function withLock(): string {
    const build = project();
    const sample = `'@millrace/sample'`;
    const lines = [
      `lockfileVersion: '9.0'`,
      'importers:',
      '  .:',
      '    dependencies:',
      `      ${sample}:`,
      '        specifier: 1.0.0',
      '        version: 1.0.0',
      'packages:',
      `  '@millrace/sample@1.0.0':`,
      `    resolution: {integrity: ${registry?.integrity}}`,
      'snapshots:',
      `  '@millrace/sample@1.0.0': {}`,
    ];
    writeFileSync(path.join(build, 'pnpm-lock.yaml'), `${lines.join('\n')}\n`);
    return build;
  }

  const commandFor = (build: string, ...more: string[]): string[] => [process.execPath, pnpm, 'install', '--ignore-scripts', '--store-dir', path.join(build, 'store'), ...more];
  const row = { ecosystem: 'npm', client: 'pnpm install --frozen-lockfile', build: 'a lock file alone, from a registry on loopback' };

  it.each(['a lock file', 'none'])('installs in a strict session with %s', async (lock) => {
    registry?.serve('honest');
    const build = lock === 'none' ? project() : withLock();
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: commandFor(build, ...(lock === 'none' ? [] : ['--frozen-lockfile'])) });
    expect(existsSync(path.join(build, 'node_modules', '@millrace', 'sample', 'package.json'))).toBe(true);
    expect(summaries(report)).toEqual(['application/x.npm.package @millrace/sample 1.0.0 Approved', 'application/x.npm.packument @millrace/sample Approved']);
    recordVerdict(lock === 'none' ? { ...row, client: 'pnpm install', build: 'a package from a registry on loopback', verdict: 'passes' } : { ...row, verdict: 'passes' });
  }, 90_000);

  it('gets no tarball that differs from what the registry declares', async () => {
    registry?.serve('tampered');
    const build = withLock();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: commandFor(build, '--frozen-lockfile') });
    expect(report['refused-requests']).toContainEqual(expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining(mismatch) }));
    recordVerdict({ ...row, verdict: 'refused', reason: mismatch });
  }, 90_000);
});
