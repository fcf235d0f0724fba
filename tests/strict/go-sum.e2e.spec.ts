import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { createChecksumDatabase, zipHash, type RecordedModule } from '../../libs/inspectors/go/__fixtures__/checksum-database.js';
import { goModHash } from '../../libs/inspectors/go/module-hash.js';
import { originAddress } from '../clients/client-service.js';
import { describeClient } from '../clients/describe-client.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';
import { runConfigured } from './run-configured.js';

const goMod = 'module mods.test/sample\n\ngo 1.20\n';
const sample: RecordedModule = { module: 'mods.test/sample', version: 'v1.0.0', files: { 'go.mod': goMod, 'sample.go': 'package sample\n\nconst One = 1\n' } };
const other = { ...sample.files, 'sample.go': 'package sample\n\nconst One = 2\n' };
const database = createChecksumDatabase('sums.test', [sample]);

function zipOf(files: Readonly<Record<string, string>>): Buffer {
  return buildZip(Object.entries(files).map(([name, content]) => ({ name: `${sample.module}@${sample.version}/${name}`, content })));
}

describeClient('go', ({ service, directory }) => {
  let files = sample.files;
  let proxy: LoopbackOrigin | undefined;

  beforeAll(async () => {
    proxy = await startOrigin(service(), 'http', (request, response) => {
      const url = request.url ?? '';
      const answers: Readonly<Record<string, () => string | Buffer>> = {
        '/go/mods.test/sample/@v/v1.0.0.mod': () => goMod,
        '/go/mods.test/sample/@v/v1.0.0.zip': () => zipOf(files),
      };
      const answer = url.startsWith('/go/sumdb/sums.test') ? database.answer(url.slice('/go/sumdb/sums.test'.length)) : answers[url]?.();
      if (answer === undefined) response.writeHead(404).end('not found');
      else response.end(answer);
    });
  });
  afterAll(() => proxy?.close());

  /** A program whose go.sum has all lines, so that go asks no checksum database. */
  function project(): { readonly directory: string; readonly environment: Record<string, string> } {
    const build = directory();
    writeFileSync(path.join(build, 'go.mod'), 'module x.test/x\n\ngo 1.20\n\nrequire mods.test/sample v1.0.0\n');
    writeFileSync(path.join(build, 'go.sum'), `mods.test/sample v1.0.0 ${zipHash(sample)}\nmods.test/sample v1.0.0/go.mod ${goModHash(Buffer.from(goMod))}\n`);
    mkdirSync(path.join(build, 'cmd'));
    writeFileSync(path.join(build, 'cmd', 'main.go'), 'package main\n\nimport "mods.test/sample"\n\nfunc main() { println(sample.One) }\n');
    const places = { GOPATH: path.join(build, 'path'), GOMODCACHE: path.join(build, 'modules'), GOCACHE: path.join(build, 'cache') };
    // Go never asks a proxy for an address of loopback; it does not know one with a dot at its end to be one.
    const url = (proxy?.url ?? '').replace(originAddress, `${originAddress}.`);
    const trust = { GOPROXY: `${url}/go`, GOSUMDB: database.verifierKey, GONOSUMDB: '', GONOPROXY: '', GOPRIVATE: '', GOINSECURE: '' };
    return { directory: build, environment: { ...places, ...trust, GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' } };
  }

  const configuration = { go: { sumdb: database.verifierKey } };
  const row = { ecosystem: 'go', client: 'go build', build: 'a complete go.sum, with the database\'s key configured ("go.sumdb")' };

  it('builds with a complete go.sum in a strict session, where only the inspector asks the checksum database', async () => {
    files = sample.files;
    const { report } = await runConfigured(service(), { configuration, ...project(), command: ['go', 'build', '-o', 'program', './cmd'] });
    const lines = summaries(report);
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(lines).toContain('application/x.go.module.zip mods.test/sample v1.0.0 Approved');
    const zip = report.artifacts.find(({ metadata }) => metadata.type === 'application/x.go.module.zip');
    expect(zip?.['response-inspection']['go.module.zip']?.reason).toBe('valid Go module, its hash is in the signed checksum database');
    recordVerdict({ ...row, verdict: 'passes' });
  }, 120_000);

  it('gets no module that differs from what the database has, whatever go.sum says', async () => {
    files = other;
    const { report } = await runConfigured(service(), { configuration, ...project(), command: ['go', 'build', '-o', 'program', './cmd'], exitCode: 'not 0' });
    expect(report['refused-requests'][0]?.reason).toMatch(/the module zip's hash h1:\S+ is not the one that the checksum database has for mods\.test\/sample@v1\.0\.0/);
    recordVerdict({ ...row, verdict: 'refused', reason: "the module zip's hash is not the one that the checksum database has" });
  }, 120_000);
});
