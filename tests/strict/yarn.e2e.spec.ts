import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from '../clients/describe-client.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { installFromNpm } from './install-tool.js';
import { startNpmRegistry, tarballPath, type NpmRegistry } from './npm-registry.js';
import { recordVerdict } from './record-verdict.js';

const mismatch = "the tarball's sha512 digest is not the one that the package document declares";

interface Scene {
  readonly directory: string;
  readonly environment: Record<string, string>;
  readonly command: readonly string[];
}

// Both generations of yarn come from the npm registry, by npm.
describeClient('npm', ({ service, directory }) => {
  let registry: NpmRegistry | undefined;
  let programs = '';
  beforeAll(async () => {
    registry = await startNpmRegistry(service());
    const place = directory();
    await installFromNpm(place, 'yarn@1.22.22');
    programs = await installFromNpm(place, '@yarnpkg/cli-dist@4.9.2');
  }, 180_000);
  afterAll(() => registry?.close());

  function project(): string {
    const build = directory();
    writeFileSync(path.join(build, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', private: true, dependencies: { '@millrace/sample': '1.0.0' } }));
    return build;
  }

  function classic(lock: boolean): Scene {
    const build = project();
    writeFileSync(path.join(build, '.npmrc'), `registry=${registry?.url}/\n`);
    const lines = [`"@millrace/sample@1.0.0":`, '  version "1.0.0"', `  resolved "${registry?.url}${tarballPath}"`, `  integrity ${registry?.integrity}`];
    if (lock) writeFileSync(path.join(build, 'yarn.lock'), `# yarn lockfile v1\n\n\n${lines.join('\n')}\n`);
    const command = [process.execPath, path.join(programs, 'yarn', 'bin', 'yarn.js'), 'install', '--non-interactive', '--ignore-scripts', ...(lock ? ['--frozen-lockfile'] : [])];
    return { directory: build, environment: { YARN_CACHE_FOLDER: path.join(build, 'cache') }, command };
  }

  function berry(lock: boolean): Scene {
    const build = project();
    // Where yarn takes the machine for a CI's, it would not write a lock file.
    const settings = ['enableTelemetry: false', 'enableImmutableInstalls: false', 'enableScripts: false', 'nodeLinker: node-modules', 'httpRetry: 0', `npmRegistryServer: "${registry?.url}"`, `unsafeHttpWhitelist: ["127.0.0.2"]`];
    writeFileSync(path.join(build, '.yarnrc.yml'), `${settings.join('\n')}\n`);
    const lines = ['__metadata:', '  version: 8', '  cacheKey: 10c0', '', '"@millrace/sample@npm:1.0.0":', '  version: 1.0.0', '  resolution: "@millrace/sample@npm:1.0.0"', '  languageName: node', '  linkType: hard', ''];
    const own = ['"x@workspace:.":', '  version: 0.0.0-use.local', '  resolution: "x@workspace:."', '  dependencies:', '    "@millrace/sample": "npm:1.0.0"', '  languageName: unknown', '  linkType: soft'];
    // The lock file of a spec has no checksum: yarn makes that of its own archive.
    writeFileSync(path.join(build, 'yarn.lock'), lock ? `${[...lines, ...own].join('\n')}\n` : '');
    const command = [process.execPath, path.join(programs, '@yarnpkg', 'cli-dist', 'bin', 'yarn.js'), 'install'];
    return { directory: build, environment: { YARN_GLOBAL_FOLDER: path.join(build, 'global'), HOME: build }, command };
  }

  const sceneOf = { classic, berry };
  const rowOf = (generation: string, lock: boolean) => ({ ecosystem: 'npm', client: `yarn install (${generation})`, build: lock ? 'a lock file alone, from a registry on loopback' : 'a package from a registry on loopback' });

  it.each([
    ['classic', true],
    ['classic', false],
    ['berry', true],
    ['berry', false],
  ] as const)('of the %s generation installs in a strict session (lock file: %s)', async (generation, lock) => {
    registry?.serve('honest');
    const scene = sceneOf[generation](lock);
    const { report } = await runInSession(service(), { policy: 'strict', ...scene });
    expect(existsSync(path.join(scene.directory, 'node_modules', '@millrace', 'sample', 'package.json'))).toBe(true);
    expect(summaries(report)).toContain('application/x.npm.package @millrace/sample 1.0.0 Approved');
    recordVerdict({ ...rowOf(generation, lock), verdict: 'passes' });
  }, 90_000);

  it.each(['classic', 'berry'] as const)('of the %s generation gets no tarball that differs from what the registry declares', async (generation) => {
    registry?.serve('tampered');
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...sceneOf[generation](true) });
    expect(report['refused-requests']).toContainEqual(expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining(mismatch) }));
    recordVerdict({ ...rowOf(generation, true), verdict: 'refused', reason: mismatch });
  }, 90_000);
});
