import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sampleFile } from '../../libs/inspectors/__fixtures__/sample-file.js';
import { describeClient } from './describe-client.js';
import { sha256 } from './file-digest.js';
import { startOrigin } from './loopback-origin.js';
import type { LoopbackOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { summaries } from './session-report.js';
import type { SessionReport } from './session-report.js';
import { recordVerdict } from '../strict/record-verdict.js';

type Lock = Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;

const install = ['npm', 'install', '--no-fund', '--ignore-scripts', '--fetch-retries=0'];

/** A tarball in npm's cache by its subresource integrity. */
function cachedFile(cache: string, integrity: string): Buffer {
  const [algorithm = '', digest = ''] = integrity.split('-');
  const hex = Buffer.from(digest, 'base64').toString('hex');
  return readFileSync(path.join(cache, '_cacache', 'content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)));
}

describeClient('npm', ({ service, directory }) => {
  function project(dependencies: Record<string, string>): { readonly build: string; readonly cache: string; readonly lock: () => Lock } {
    const build = directory();
    writeFileSync(path.join(build, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', private: true, dependencies }));
    const lock = () => (JSON.parse(readFileSync(path.join(build, 'package-lock.json'), 'utf8')) as { packages: Lock }).packages;
    return { build, cache: path.join(build, 'cache'), lock };
  }

  it.each(['permissive', 'strict'] as const)('installs from its registry under %s policy; the report has the tarballs of its cache', async (policy) => {
    const { build, cache, lock } = project({ 'is-odd': '3.0.1', 'left-pad': '1.3.0' });
    const { report } = await runInSession(service(), { policy, directory: build, command: [...install, '--audit'], environment: { npm_config_cache: cache } });
    const packages = lock();
    expect(summaries(report).filter((line) => !line.startsWith('application/x.npm.audit'))).toEqual([
      ...['is-number 6.0.0', 'is-odd 3.0.1', 'left-pad 1.3.0'].map((name) => `application/x.npm.package ${name} Approved`),
      ...['is-number', 'is-odd', 'left-pad'].map((name) => `application/x.npm.packument ${name} Approved`),
    ]);
    for (const name of ['is-number', 'is-odd', 'left-pad']) {
      const artefact = report.artifacts.find(({ metadata }) => metadata.type === 'application/x.npm.package' && metadata.name === name);
      const { version, integrity } = packages[`node_modules/${name}`] ?? { version: '', integrity: '' };
      expect(artefact).toMatchObject({ metadata: { version, sha256: sha256(cachedFile(cache, integrity)) }, downloads: [{ method: 'GET', 'status-code': 200 }] });
      expect(artefact?.downloads[0]?.url).toMatch(new RegExp(`/${name}-${version}\\.tgz$`));
    }
    // Registries without an advisory service answer the audit with an error; then it stands among the other responses.
    const audits = [...report['other-responses'], ...report.artifacts.flatMap((artefact) => artefact.downloads)].filter(({ method }) => method === 'POST');
    expect(audits).toMatchObject([{ url: expect.stringContaining('/-/npm/v1/security/'), 'request-body': { size: expect.any(Number) } }]);
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
    if (policy === 'strict') recordVerdict({ ecosystem: 'npm', client: 'npm install', build: 'three packages of its registry', verdict: 'passes' });
  }, 90_000);

  describeRegistry(service, (registry) => {
    const environment = (cache: string) => ({ npm_config_cache: cache, npm_config_registry: `${registry.url()}/` });
    const sample = { '@millrace/sample': '1.0.0' };
    const reasons = (report: SessionReport) => report['refused-requests'].map(({ rule, reason }) => [rule, reason]);

    it('installs in a strict session from an honest registry of its own', async () => {
      registry.serve(registry.honest);
      const { build, cache } = project(sample);
      const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: [...install, '--no-audit'], environment: environment(cache) });
      expect(existsSync(path.join(build, 'node_modules', '@millrace', 'sample', 'package.json'))).toBe(true);
      expect(summaries(report)).toEqual(['application/x.npm.package @millrace/sample 1.0.0 Approved', 'application/x.npm.packument @millrace/sample Approved']);
      recordVerdict({ ecosystem: 'npm', client: 'npm install', build: 'a registry on loopback', verdict: 'passes' });
    }, 60_000);

    it('gets no tarball in a strict session that differs in one byte from what the registry declared', async () => {
      registry.serve(registry.tampered);
      const { build, cache } = project(sample);
      const { report, stderr } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: [...install, '--no-audit'], environment: environment(cache) });
      expect(stderr).toContain('E403');
      expect(existsSync(path.join(build, 'node_modules', '@millrace'))).toBe(false);
      expect(reasons(report)).toEqual([['verdict', expect.stringContaining("the tarball's sha512 digest is not the one that the package document declares")]]);
      expect(report['refused-requests'][0]).toMatchObject({ 'status-code': 403, sha256: sha256(registry.tampered) });
      expect(summaries(report)).toEqual(['application/x.npm.package @millrace/sample 1.0.0 Rejected', 'application/x.npm.packument @millrace/sample Approved']);
      recordVerdict({ ecosystem: 'npm', client: 'npm install', build: 'one byte of a tarball changed', verdict: 'refused', reason: "the tarball's sha512 digest is not the one that the package document declares" });
    }, 60_000);

    it('sees the same tarball in a permissive session, and the report says that it is not in order', async () => {
      registry.serve(registry.tampered);
      const { build, cache } = project(sample);
      const { report, stderr } = await runInSession(service(), { exitCode: 'not 0', directory: build, command: [...install, '--no-audit'], environment: environment(cache) });
      expect(stderr).toContain('EINTEGRITY'); // npm's own check
      expect(summaries(report)).toContain('application/x.npm.package @millrace/sample 1.0.0 Rejected');
      expect(report['refused-requests']).toEqual([]);
    }, 60_000);
  });
});

interface Registry {
  readonly url: () => string;
  readonly honest: Buffer;
  /** One byte of a file in it is another; a sound archive nevertheless. */
  readonly tampered: Buffer;
  serve(tarball: Buffer): void;
}

/** A registry of one package, whose document declares the honest tarball whatever it serves. */
function describeRegistry(service: () => Parameters<typeof startOrigin>[0], body: (registry: Registry) => void): void {
  const honest = sampleFile('millrace-sample-1.0.0.tgz');
  let served = honest;
  let origin: LoopbackOrigin | undefined;
  const url = (): string => origin?.url ?? '';
  beforeAll(async () => {
    // Not https: npm checks the certificate of an address (not a name) behind a proxy against `localhost`.
    origin = await startOrigin(service(), 'http', (request, response) => {
      const tarball = '/@millrace/sample/-/sample-1.0.0.tgz';
      if (request.url === tarball) response.end(served);
      else if (request.url?.toLowerCase() !== '/@millrace%2fsample') response.writeHead(404).end('{}');
      else {
        const dist = { tarball: url() + tarball, integrity: `sha512-${createHash('sha512').update(honest).digest('base64')}` };
        const version = { name: '@millrace/sample', version: '1.0.0', dist };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name: '@millrace/sample', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }));
      }
    });
  });
  afterAll(() => origin?.close());
  body({ url, honest, tampered: withAnotherByte(honest), serve: (tarball) => (served = tarball) });
}

function withAnotherByte(tarball: Buffer): Buffer {
  const tar = gunzipSync(tarball);
  const at = tar.indexOf('"description"') + 1; // a name in package.json: the checksums of tar cover headers only
  tar[at] = 'D'.charCodeAt(0);
  return gzipSync(tar);
}
