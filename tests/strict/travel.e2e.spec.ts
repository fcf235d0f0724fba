import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { describeClient } from '../clients/describe-client.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { startPythonIndex, type PythonIndex } from './python-index.js';
import { recordVerdict } from './record-verdict.js';

const releases = { '1.0.0': '2024-01-01T00:00:00.000Z', '1.1.0': '2025-01-01T00:00:00.000Z' };

function tarball(version: string): Buffer {
  return buildTgz([{ name: 'package/package.json', content: JSON.stringify({ name: 'traveller', version }) }]);
}

/** A policy that shows indexes as they were at a moment. */
function asOf(directory: string, moment: string): string[] {
  const file = path.join(directory, 'policy.yaml');
  writeFileSync(file, `version: 1\nas-of: ${moment}\n`);
  return ['--policy-file', file];
}

describeClient('npm', ({ service, directory }) => {
  let registry: LoopbackOrigin | undefined;
  beforeAll(async () => {
    registry = await startOrigin(service(), 'http', (request, response) => {
      const version = /^\/traveller\/-\/traveller-(.+)\.tgz$/.exec(request.url ?? '')?.[1];
      if (version !== undefined) response.end(tarball(version));
      else if (request.url !== '/traveller') response.writeHead(404).end('{}');
      else {
        const entries = Object.keys(releases).map((release) => {
          const dist = { tarball: `${registry?.url}/traveller/-/traveller-${release}.tgz`, integrity: `sha512-${createHash('sha512').update(tarball(release)).digest('base64')}` };
          return [release, { name: 'traveller', version: release, dist }];
        });
        // As public registries do: times only in the whole document.
        const whole = request.headers.accept?.includes('vnd.npm') === true ? {} : { time: releases };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name: 'traveller', 'dist-tags': { latest: '1.1.0' }, versions: Object.fromEntries(entries), ...whole }));
      }
    });
  });
  afterAll(() => registry?.close());

  const install = (specifier: string): string[] => ['npm', 'install', '--no-audit', '--no-fund', '--fetch-retries=0', specifier];
  const sceneOf = (build: string) => {
    writeFileSync(path.join(build, 'package.json'), '{"name":"x","version":"1.0.0"}');
    return { policy: 'strict' as const, directory: build, environment: { npm_config_cache: path.join(build, 'cache'), npm_config_registry: `${registry?.url}/` } };
  };

  it.each([
    ['2024-06-01T00:00:00Z', '1.0.0'],
    ['2025-06-01T00:00:00Z', '1.1.0'],
  ])('installs what was the latest release at %s', async (moment, version) => {
    const build = directory();
    const { report } = await runInSession(service(), { ...sceneOf(build), options: asOf(build, moment), command: install('traveller') });
    expect(JSON.parse(readFileSync(path.join(build, 'node_modules', 'traveller', 'package.json'), 'utf8'))).toMatchObject({ version });
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'npm', client: 'npm install', build: `the latest release as of ${moment}`, verdict: 'passes' });
  }, 90_000);

  it('gets no tarball by its URL that was published later', async () => {
    const build = directory();
    const { report } = await runInSession(service(), { ...sceneOf(build), options: asOf(build, '2024-06-01T00:00:00Z'), exitCode: 'not 0', command: install(`${registry?.url}/traveller/-/traveller-1.1.0.tgz`) });
    const reason = 'traveller 1.1.0 was published at 2025-01-01T00:00:00.000Z, after 2024-06-01T00:00:00.000Z (as-of 2024-06-01T00:00:00Z)';
    expect(report['refused-requests'].map((refused) => refused.reason)).toContainEqual(expect.stringContaining(reason));
    recordVerdict({ ecosystem: 'npm', client: 'npm install', build: 'a tarball by URL that is younger than as-of allows', verdict: 'refused', reason });
  }, 90_000);
});

describeClient('pip', ({ service, directory }) => {
  let index: PythonIndex | undefined;
  beforeAll(async () => {
    index = await startPythonIndex(service());
  });
  afterAll(() => index?.close());

  it.each([
    ['2024-01-01T00:00:00Z', false],
    ['2024-06-01T00:00:00Z', true],
  ])('sees the index as it was at %s', async (moment, there) => {
    const build = directory();
    const target = path.join(build, 'lib');
    const command = ['pip', 'install', '--no-deps', '--target', target, '--index-url', index?.url ?? '', '--trusted-host', '127.0.0.2', 'millrace-sample'];
    const environment = { PIP_NO_CACHE_DIR: '1', PIP_RETRIES: '0' };
    const { report, stderr } = await runInSession(service(), { policy: 'strict', directory: build, environment, options: asOf(build, moment), exitCode: there ? 0 : 'not 0', command });
    expect(existsSync(path.join(target, 'millrace_sample-1.0.0.dist-info'))).toBe(there);
    if (!there) expect(stderr).toContain('No matching distribution found');
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'pip', client: 'pip install', build: there ? 'a release that was there as of the moment' : 'a release that was not there as of the moment: the index hides it', verdict: 'passes' });
  }, 90_000);
});
