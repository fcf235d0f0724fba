import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { createChecksumDatabase, zipHash, type RecordedModule } from '../../libs/inspectors/go/__fixtures__/checksum-database.js';
import { originAddress } from '../clients/client-service.js';
import { describeClient } from '../clients/describe-client.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { artefactsFrom, summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const sample: RecordedModule = { module: 'mods.test/sample', version: 'v1.0.0', files: { 'go.mod': 'module mods.test/sample\n\ngo 1.20\n', 'sample.go': 'package sample\n' } };
const other = { ...sample.files, 'sample.go': 'package tample\n' };
const database = createChecksumDatabase('sums.test', [sample]);
const otherDatabase = createChecksumDatabase('sums.test', [{ ...sample, files: other }]);

function zipOf(files: Readonly<Record<string, string>>): Buffer {
  return buildZip(Object.entries(files).map(([name, content]) => ({ name: `${sample.module}@${sample.version}/${name}`, content })));
}

describeClient('go', ({ service, directory }) => {
  let files = sample.files;
  let goMod = sample.files['go.mod'] as string;
  let sums = database;
  let proxy: LoopbackOrigin | undefined;

  beforeAll(async () => {
    proxy = await startOrigin(service(), 'http', (request, response) => {
      const below = (request.url ?? '').replace('/go/mods.test/sample', '');
      const answers: Readonly<Record<string, () => string | Buffer>> = {
        '/@v/list': () => 'v1.0.0\n',
        '/@v/v1.0.0.info': () => JSON.stringify({ Version: 'v1.0.0', Time: '2020-01-01T00:00:00Z' }),
        '/@v/v1.0.0.mod': () => goMod,
        '/@v/v1.0.0.zip': () => zipOf(files),
      };
      const answer = below.startsWith('/go/sumdb/sums.test') ? sums.answer(below.slice('/go/sumdb/sums.test'.length)) : answers[below]?.();
      if (answer === undefined) response.writeHead(404).end('not found');
      else response.end(answer);
    });
  });
  afterAll(() => proxy?.close());

  function project(): { readonly directory: string; readonly environment: Record<string, string> } {
    const build = directory();
    writeFileSync(path.join(build, 'go.mod'), 'module x.test/x\n\ngo 1.20\n');
    const places = { GOPATH: path.join(build, 'path'), GOMODCACHE: path.join(build, 'modules'), GOCACHE: path.join(build, 'cache') };
    // Go never asks a proxy for an address of loopback; it does not know one with a dot at its end to be one.
    const url = (proxy?.url ?? '').replace(originAddress, `${originAddress}.`);
    const trust = { GOPROXY: `${url}/go`, GOSUMDB: database.verifierKey, GONOSUMDB: '', GONOPROXY: '', GOPRIVATE: '', GOINSECURE: '' };
    return { directory: build, environment: { ...places, ...trust, GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' } };
  }

  it('gets a module in a strict session whose hash the checksum database has', async () => {
    [files, goMod, sums] = [sample.files, sample.files['go.mod'] as string, database];
    const { report, stdout } = await runInSession(service(), { policy: 'strict', ...project(), command: ['go', 'mod', 'download', '-json', 'mods.test/sample@latest'] });
    expect(JSON.parse(stdout)).toMatchObject({ Version: 'v1.0.0', Sum: zipHash(sample) });
    const lines = summaries(report);
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    for (const kind of ['list', 'info', 'mod', 'zip']) expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^application/x\\.go\\.module\\.${kind} mods\\.test/sample`)));
    expect(lines).toContain('application/x.go.sumdb.lookup mods.test/sample v1.0.0 Approved');
    expect(artefactsFrom(report, '.zip')[0]?.['response-inspection']['go.module.zip']?.reason).toContain('no verifier key is configured');
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'go', client: 'go mod download', build: 'a module of a proxy on loopback, with its checksum database', verdict: 'passes' });
  }, 120_000);

  const download = ['go', 'mod', 'download', 'mods.test/sample@v1.0.0'];

  it('gets no module in a strict session that differs in one byte from what the database has', async () => {
    [files, goMod, sums] = [other, sample.files['go.mod'] as string, database];
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...project(), command: download });
    expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', reason: expect.stringMatching(/the module zip's hash h1:\S+ is not the one that the checksum database has for mods\.test\/sample@v1\.0\.0/) });
    expect(summaries(report)).toContain('application/x.go.module.zip mods.test/sample v1.0.0 Rejected');
    recordVerdict({ ecosystem: 'go', client: 'go mod download', build: 'one byte of a module changed', verdict: 'refused', reason: 'its hash is not the one that the checksum database has' });
  }, 120_000);

  it('gets no answer of the database when the go.mod before it was another', async () => {
    [files, goMod, sums] = [sample.files, `${sample.files['go.mod']}// changed\n`, database];
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...project(), command: download });
    expect(report['refused-requests'][0]?.reason).toContain('the go.mod that this session was given for mods.test/sample@v1.0.0 is not the one that the checksum database has');
    expect(artefactsFrom(report, '.zip')).toEqual([]);
  }, 120_000);

  it('gets no module when nobody asks the database', async () => {
    [files, goMod, sums] = [other, sample.files['go.mod'] as string, otherDatabase];
    const { directory: build, environment } = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, environment: { ...environment, GOSUMDB: 'off' }, command: download });
    expect(report['refused-requests'][0]?.reason).toContain('no checksum database was asked for mods.test/sample@v1.0.0');
  }, 120_000);
});
