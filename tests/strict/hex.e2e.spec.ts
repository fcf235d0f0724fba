import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildTarball, digests, otherKey, packageDocument, sampleMetadata, signed } from '../../libs/inspectors/hex/__fixtures__/sample-hex.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

function tarball(code: string): Buffer {
  const application = '{application, millrace_sample, [{description, "A sample."}, {vsn, "1.0.0"}, {applications, [kernel, stdlib]}]}.\n';
  return buildTarball({
    metadata: `${sampleMetadata}{<<"build_tools">>,[<<"rebar3">>]}.\n`,
    files: [
      { name: 'src/millrace_sample.app.src', content: application },
      { name: 'src/millrace_sample.erl', content: code },
    ],
  });
}

const honest = tarball('-module(millrace_sample).\n-export([one/0]).\none() -> 1.\n');
const tampered = tarball('-module(millrace_sample).\n-export([one/0]).\none() -> 2.\n');

describeClient('rebar3', ({ service, directory }) => {
  let served = honest;
  let repository: LoopbackOrigin | undefined;
  beforeAll(async () => {
    const document = signed(packageDocument([digests(honest)]));
    repository = await startOrigin(service(), 'http', (request, response) => {
      // Without an entity tag rebar3 takes no tarball.
      response.setHeader('etag', '"1"');
      if (request.url === '/repo/packages/millrace_sample') response.end(document);
      else if (request.url === '/repo/tarballs/millrace_sample-1.0.0.tar') response.end(served);
      else response.writeHead(404).end('not found');
    });
  });
  afterAll(() => repository?.close());

  function project(): { readonly directory: string; readonly environment: Record<string, string> } {
    const build = directory();
    mkdirSync(path.join(build, 'src'));
    writeFileSync(path.join(build, 'src', 'x.app.src'), '{application, x, [{description, "x"}, {vsn, "1"}, {applications, [kernel, stdlib]}]}.\n');
    const hexpm = `#{name => <<"hexpm">>, repo_public_key => <<"${otherKey.publicKey}">>}`;
    writeFileSync(path.join(build, 'rebar.config'), `{deps, [{millrace_sample, "1.0.0"}]}.\n{hex, [{repos, [${hexpm}]}]}.\n`);
    return { directory: build, environment: { HOME: build, HEX_CDN: `${repository?.url}/repo` } };
  }
  // This rebar3 gives a proxy no credentials when it asks a Hex repository.
  const command = [process.execPath, path.join(import.meta.dirname, '__fixtures__/authenticating-relay.mjs'), 'rebar3', 'compile'];
  const installed = (build: string): string => path.join(build, '_build', 'default', 'lib', 'millrace_sample', 'src', 'millrace_sample.erl');

  it('builds in a strict session with what the repository declares', async () => {
    served = honest;
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, environment, command });
    expect(readFileSync(installed(build), 'utf8')).toContain('one() -> 1');
    expect(summaries(report)).toEqual(['application/x.hex.package millrace_sample 1.0.0 Approved', 'application/x.hex.registry millrace_sample Approved']);
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'hex', client: 'rebar3 compile', build: 'a package from a loopback repository', verdict: 'passes' });
  }, 120_000);

  it('gets no package in a strict session that differs in one byte from what the repository declares', async () => {
    served = tampered;
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, environment, command });
    expect(existsSync(installed(build))).toBe(false);
    const reason = "the tarball's SHA-256 checksum is not the one that the package document declares";
    expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', reason: expect.stringContaining(reason), sha256: sha256(tampered) });
    expect(summaries(report)).toContain('application/x.hex.package millrace_sample 1.0.0 Rejected');
    recordVerdict({ ecosystem: 'hex', client: 'rebar3 compile', build: 'a package with one byte changed', verdict: 'refused', reason });
  }, 120_000);
});
