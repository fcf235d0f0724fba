import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { createChecksumDatabase, type RecordedModule } from '../../libs/inspectors/go/__fixtures__/checksum-database.js';
import { originAddress } from '../clients/client-service.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { recordVerdict } from './record-verdict.js';

const published: Readonly<Record<string, string>> = { '1.0.0': '2024-01-01T00:00:00Z', '1.1.0': '2025-01-01T00:00:00Z' };
const moments = [
  ['2024-06-01T00:00:00Z', '1.0.0'],
  ['2025-06-01T00:00:00Z', '1.1.0'],
] as const;

/** A policy that shows indexes as they were at a moment. */
function asOf(directory: string, moment: string): string[] {
  const file = path.join(directory, 'policy.yaml');
  writeFileSync(file, `version: 1\nas-of: ${moment}\n`);
  return ['--policy-file', file];
}

describeClient('cargo', ({ service, directory }) => {
  const crate = (version: string): Buffer =>
    buildTgz([
      { name: `millrace-sample-${version}/Cargo.toml`, content: `[package]\nname = "millrace-sample"\nversion = "${version}"\nedition = "2021"\nlicense = "MIT"\n[lib]\npath = "src/lib.rs"\n` },
      { name: `millrace-sample-${version}/src/lib.rs`, content: 'pub fn one() -> u8 { 1 }\n' },
    ]);
  let registry: LoopbackOrigin | undefined;
  beforeAll(async () => {
    registry = await startOrigin(service(), 'http', (request, response) => {
      const version = /^\/crates\/millrace-sample\/(.+)\/download$/.exec(request.url ?? '')?.[1];
      const lines = Object.entries(published).map(([vers, pubtime]) => JSON.stringify({ name: 'millrace-sample', vers, deps: [], cksum: sha256(crate(vers)), features: {}, yanked: false, pubtime }));
      if (version !== undefined) response.end(crate(version));
      else if (request.url === '/index/config.json') response.end(JSON.stringify({ dl: `${registry?.url}/crates` }));
      else if (request.url === '/index/mi/ll/millrace-sample') response.end(`${lines.join('\n')}\n`);
      else response.writeHead(404).end('nothing here');
    });
  });
  afterAll(() => registry?.close());

  it.each(moments)('fetches what was the latest release at %s', async (moment, version) => {
    const build = directory();
    mkdirSync(path.join(build, 'src'));
    writeFileSync(path.join(build, 'src', 'lib.rs'), '');
    writeFileSync(path.join(build, 'Cargo.toml'), '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmillrace-sample = { version = "1", registry = "loopback" }\n');
    const home = path.join(build, 'cargo');
    mkdirSync(home);
    writeFileSync(path.join(home, 'config.toml'), `[registries.loopback]\nindex = "sparse+${registry?.url}/index/"\n[net]\nretry = 0\n`);
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, environment: { CARGO_HOME: home }, options: asOf(build, moment), command: ['cargo', 'fetch'] });
    expect(/name = "millrace-sample"\nversion = "(.+)"/.exec(readFileSync(path.join(build, 'Cargo.lock'), 'utf8'))?.[1]).toBe(version);
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'cargo', client: 'cargo fetch', build: `the latest release as of ${moment}`, verdict: 'passes' });
  }, 90_000);
});

describeClient('go', ({ service, directory }) => {
  const releases: RecordedModule[] = Object.keys(published).map((version) => ({
    module: 'mods.test/traveller',
    version: `v${version}`,
    files: { 'go.mod': 'module mods.test/traveller\n\ngo 1.20\n', 'traveller.go': `package traveller // ${version}\n` },
  }));
  const database = createChecksumDatabase('sums.test', releases);
  const zipOf = ({ module, version, files }: RecordedModule): Buffer => buildZip(Object.entries(files).map(([name, content]) => ({ name: `${module}@${version}/${name}`, content })));
  let proxy: LoopbackOrigin | undefined;
  beforeAll(async () => {
    proxy = await startOrigin(service(), 'http', (request, response) => {
      const url = request.url ?? '';
      const [, version = '', kind] = /^\/go\/mods\.test\/traveller\/@v\/(?:v(.+)\.(info|mod|zip)|list)$/.exec(url) ?? [];
      const release = releases.find((each) => each.version === `v${version}`);
      if (url.startsWith('/go/sumdb/sums.test')) {
        const answer = database.answer(url.slice('/go/sumdb/sums.test'.length));
        if (answer === undefined) response.writeHead(404).end('not found');
        else response.end(answer);
      } else if (url === '/go/mods.test/traveller/@v/list') response.end(`${releases.map((each) => each.version).join('\n')}\n`);
      else if (release === undefined) response.writeHead(404).end('not found');
      else if (kind === 'info') response.end(JSON.stringify({ Version: release.version, Time: published[version] }));
      else response.end(kind === 'mod' ? release.files['go.mod'] : zipOf(release));
    });
  });
  afterAll(() => proxy?.close());

  it.each(moments)('downloads what was the latest release at %s', async (moment, version) => {
    const build = directory();
    writeFileSync(path.join(build, 'go.mod'), 'module x.test/x\n\ngo 1.20\n');
    const places = { GOPATH: path.join(build, 'path'), GOMODCACHE: path.join(build, 'modules'), GOCACHE: path.join(build, 'cache') };
    // As in go.e2e.spec.ts: Go does not know an address with a dot at its end to be one of loopback.
    const url = (proxy?.url ?? '').replace(originAddress, `${originAddress}.`);
    const trust = { GOPROXY: `${url}/go`, GOSUMDB: database.verifierKey, GONOSUMDB: '', GONOPROXY: '', GOPRIVATE: '', GOINSECURE: '' };
    const environment = { ...places, ...trust, GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' };
    const { report, stdout } = await runInSession(service(), { policy: 'strict', directory: build, environment, options: asOf(build, moment), command: ['go', 'mod', 'download', '-json', 'mods.test/traveller@latest'] });
    expect(JSON.parse(stdout)).toMatchObject({ Version: `v${version}` });
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'go', client: 'go mod download', build: `the latest release as of ${moment}`, verdict: 'passes' });
  }, 90_000);
});
