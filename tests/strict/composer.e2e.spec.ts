import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildDist, sha1 } from '../../libs/inspectors/composer/__fixtures__/sample-dist.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const commit = 'ab'.repeat(20);
const honest = buildDist('<?php // one\n', { commit });
const tampered = buildDist('<?php // two\n', { commit });

describeClient('composer', ({ service, directory }) => {
  let served = honest;
  let shasum = sha1(honest);
  let repository: LoopbackOrigin | undefined;

  beforeAll(async () => {
    repository = await startOrigin(service(), 'http', (request, response) => {
      const dist = { type: 'zip', url: `${repository?.url}/zips/sample.zip`, reference: commit, shasum };
      const version = { name: 'millrace/sample', version: '1.0.0', version_normalized: '1.0.0.0', dist, type: 'library' };
      const answers: Readonly<Record<string, () => string | Buffer>> = {
        'GET /repo/packages.json': () => JSON.stringify({ packages: [], 'metadata-url': '/repo/p2/%package%.json', 'notify-batch': `${repository?.url}/repo/downloads/`, 'available-packages': ['millrace/sample'] }),
        'GET /repo/p2/millrace/sample.json': () => JSON.stringify({ packages: { 'millrace/sample': [version] }, minified: 'composer/2.0' }),
        'GET /zips/sample.zip': () => served,
        'POST /repo/downloads/': () => '{"status":"success"}',
      };
      const answer = answers[`${request.method} ${request.url}`]?.();
      if (answer === undefined) response.writeHead(404).end('not found');
      else response.end(answer);
    });
  });
  afterAll(() => repository?.close());

  function project(): { readonly directory: string; readonly environment: Record<string, string> } {
    const build = directory();
    const repositories = [{ type: 'composer', url: `${repository?.url}/repo` }, { packagist: false }];
    writeFileSync(path.join(build, 'composer.json'), JSON.stringify({ name: 'x/y', require: { 'millrace/sample': '^1.0' }, repositories, config: { 'secure-http': false } }));
    return { directory: build, environment: { COMPOSER_HOME: path.join(build, 'home'), COMPOSER_ALLOW_SUPERUSER: '1', COMPOSER_MAX_PARALLEL_HTTP: '1' } };
  }
  const command = ['composer', 'install', '--no-interaction', '--no-progress', '--prefer-dist'];

  it('installs in a strict session what its repository declares', async () => {
    [served, shasum] = [honest, sha1(honest)];
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, environment, command });
    expect(readFileSync(path.join(build, 'vendor', 'millrace', 'sample', 'src', 'sample.php'), 'utf8')).toContain('one');
    expect(summaries(report)).toEqual([
      'application/x.composer.metadata millrace/sample Approved',
      'application/x.composer.notification Approved',
      'application/x.composer.package millrace/sample 1.0.0 Approved',
      'application/x.composer.root Approved',
    ]);
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'composer', client: 'composer install', build: 'a package from a loopback repository that declares checksums', verdict: 'passes' });
  }, 120_000);

  it('gets no archive in a strict session that differs in one byte from what the repository declares', async () => {
    [served, shasum] = [tampered, sha1(honest)];
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, environment, command });
    expect(existsSync(path.join(build, 'vendor', 'millrace', 'sample', 'src'))).toBe(false);
    const reason = "the dist's SHA-1 checksum is not the one that the repository declares";
    expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', reason: expect.stringContaining(reason), sha256: sha256(tampered) });
    expect(summaries(report)).toContain('application/x.composer.package millrace/sample 1.0.0 Rejected');
    recordVerdict({ ecosystem: 'composer', client: 'composer install', build: 'an archive with one byte changed', verdict: 'refused', reason });
  }, 120_000);

  it('gets no archive in a strict session whose repository declares a commit only', async () => {
    [served, shasum] = [tampered, ''];
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, environment, command });
    const reason = 'the repository declares no checksum for this archive, only a commit';
    expect(report['refused-requests'][0]?.reason).toContain(reason);
    recordVerdict({ ecosystem: 'composer', client: 'composer install', build: 'an archive without a checksum, as most forges give', verdict: 'refused', reason });
  }, 120_000);
});
