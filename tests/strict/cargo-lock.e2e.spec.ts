import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';
import { runConfigured } from './run-configured.js';

function crate(code: string): Buffer {
  return buildTgz([
    { name: 'millrace-sample-1.0.0/Cargo.toml', content: '[package]\nname = "millrace-sample"\nversion = "1.0.0"\nedition = "2021"\n[lib]\npath = "src/lib.rs"\n' },
    { name: 'millrace-sample-1.0.0/src/lib.rs', content: code },
  ]);
}

const honest = crate('pub fn one() -> u8 { 1 }\n');
const tampered = crate('pub fn one() -> u8 { 2 }\n');
const mismatch = "the crate's SHA-256 checksum is not the one that the index declares";

describeClient('cargo', ({ service, directory }) => {
  let served = honest;
  let index: LoopbackOrigin | undefined;
  beforeAll(async () => {
    const line = JSON.stringify({ name: 'millrace-sample', vers: '1.0.0', deps: [], cksum: sha256(honest), features: {}, yanked: false, pubtime: '2024-05-01T00:00:00Z' });
    index = await startOrigin(service(), 'http', (request, response) => {
      if (request.url === '/index/config.json') response.end(JSON.stringify({ dl: `${index?.url}/crates` }));
      else if (request.url === '/index/mi/ll/millrace-sample') response.end(`${line}\n`);
      else if (request.url === '/crates/millrace-sample/1.0.0/download') response.end(served);
      else response.writeHead(404).end('nothing here');
    });
  });
  afterAll(() => index?.close());

  /** A project with a Cargo.lock and the index in cargo's cache, but no crates. */
  async function lockedProject(): Promise<{ readonly directory: string; readonly environment: Record<string, string> }> {
    const build = directory();
    const home = path.join(build, 'cargo');
    for (const place of [path.join(build, 'src'), home]) mkdirSync(place);
    writeFileSync(path.join(build, 'src', 'lib.rs'), '');
    writeFileSync(path.join(build, 'Cargo.toml'), '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmillrace-sample = { version = "1", registry = "loopback" }\n');
    writeFileSync(path.join(home, 'config.toml'), `[registries.loopback]\nindex = "sparse+${index?.url}/index/"\n[net]\nretry = 0\n`);
    served = honest;
    await promisify(execFile)('cargo', ['fetch'], { cwd: build, env: { ...process.env, CARGO_HOME: home } });
    for (const place of ['cache', 'src']) rmSync(path.join(home, 'registry', place), { recursive: true, force: true });
    return { directory: build, environment: { CARGO_HOME: home } };
  }

  const row = { ecosystem: 'cargo', client: 'cargo build --locked', build: 'a Cargo.lock and a warm index, with the index configured ("cargo.indexes")' };

  it.each(['honest', 'tampered'] as const)('builds with a Cargo.lock and a warm index in a strict session when the crate is what the index declares (%s)', async (which) => {
    const scene = await lockedProject();
    served = which === 'honest' ? honest : tampered;
    const configuration = { cargo: { indexes: [`sparse+${index?.url}/index/`] } };
    const { report } = await runConfigured(service(), { configuration, ...scene, command: ['cargo', 'build', '--locked'], exitCode: which === 'honest' ? 0 : 'not 0' });
    const verdict = which === 'honest' ? 'Approved' : 'Rejected';
    expect(summaries(report)).toEqual(expect.arrayContaining([`application/x.cargo.crate millrace-sample 1.0.0 ${verdict}`, 'application/x.cargo.index millrace-sample Approved']));
    if (which === 'tampered') expect(report['refused-requests'].map(({ reason }) => reason)).toContainEqual(expect.stringContaining(mismatch));
    recordVerdict(which === 'honest' ? { ...row, verdict: 'passes' } : { ...row, verdict: 'refused', reason: mismatch });
  }, 120_000);
});
