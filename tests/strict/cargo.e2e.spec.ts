import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const manifest = '[package]\nname = "millrace-sample"\nversion = "1.0.0"\nedition = "2021"\nlicense = "MIT"\n[lib]\npath = "src/lib.rs"\n';

function crate(code: string): Buffer {
  return buildTgz([
    { name: 'millrace-sample-1.0.0/Cargo.toml', content: manifest },
    { name: 'millrace-sample-1.0.0/src/lib.rs', content: code },
  ]);
}

const honest = crate('pub fn one() -> u8 { 1 }\n');
const tampered = crate('pub fn one() -> u8 { 2 }\n');

describeClient('cargo', ({ service, directory }) => {
  let served = honest;
  let index: LoopbackOrigin | undefined;
  let downloads: LoopbackOrigin | undefined;
  let storage: LoopbackOrigin | undefined;

  // As public registries do: the index, the downloads and where these redirect to are three origins.
  beforeAll(async () => {
    storage = await startOrigin(service(), 'http', (_request, response) => response.end(served));
    downloads = await startOrigin(service(), 'http', (_request, response) => response.writeHead(302, { location: `${storage?.url}/objects/1234?signature=5678` }).end('moved'));
    const line = JSON.stringify({ name: 'millrace-sample', vers: '1.0.0', deps: [], cksum: sha256(honest), features: {}, yanked: false });
    index = await startOrigin(service(), 'http', (request, response) => {
      if (request.url === '/index/config.json') response.end(JSON.stringify({ dl: `${downloads?.url}/crates` }));
      else if (request.url === '/index/mi/ll/millrace-sample') response.end(`${line}\n`);
      else response.writeHead(404).end('nothing here');
    });
  });
  afterAll(() => Promise.all([index?.close(), downloads?.close(), storage?.close()]));

  function project(dependencies: string): { readonly build: string; readonly environment: Record<string, string> } {
    const build = directory();
    mkdirSync(path.join(build, 'src'));
    writeFileSync(path.join(build, 'src', 'lib.rs'), '');
    writeFileSync(path.join(build, 'Cargo.toml'), `[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n${dependencies}\n`);
    const home = path.join(build, 'cargo');
    mkdirSync(home);
    writeFileSync(path.join(home, 'config.toml'), `[registries.loopback]\nindex = "sparse+${index?.url}/index/"\n[net]\nretry = 0\n`);
    return { build, environment: { CARGO_HOME: home } };
  }

  const sample = 'millrace-sample = { version = "1", registry = "loopback" }';

  it('builds in a strict session with a crate that is downloaded through a redirect', async () => {
    served = honest;
    const { build, environment } = project(sample);
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: ['cargo', 'build'], environment });
    expect(readFileSync(path.join(build, 'Cargo.lock'), 'utf8')).toContain(sha256(honest));
    expect(summaries(report)).toEqual([
      'application/x.cargo.config Approved',
      'application/x.cargo.crate millrace-sample 1.0.0 Approved',
      'application/x.cargo.index millrace-sample Approved',
    ]);
    // The redirect was followed; only its body, which nobody judges, was kept back.
    expect(report['refused-requests']).toEqual([]);
    expect(report['other-responses']).toMatchObject([{ 'status-code': 302, delivered: false }]);
    recordVerdict({ ecosystem: 'cargo', client: 'cargo build', build: 'a crate downloaded through a redirect', verdict: 'passes' });
  }, 120_000);

  it('gets no crate in a strict session that differs from what the index declares', async () => {
    served = tampered;
    const { build, environment } = project(sample);
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: ['cargo', 'fetch'], environment });
    expect(existsSync(path.join(environment['CARGO_HOME'] as string, 'registry', 'src'))).toBe(false);
    const refused = report['refused-requests'].map(({ rule, reason, sha256: digest }) => ({ rule, reason, digest }));
    expect(refused).toContainEqual({ rule: 'verdict', reason: expect.stringContaining("the crate's SHA-256 checksum is not the one that the index declares"), digest: sha256(tampered) });
    expect(summaries(report)).toContain('application/x.cargo.crate millrace-sample 1.0.0 Rejected');
    recordVerdict({ ecosystem: 'cargo', client: 'cargo fetch', build: 'one character of a crate changed', verdict: 'refused', reason: "the crate's SHA-256 checksum is not the one that the index declares" });
  }, 120_000);
});
