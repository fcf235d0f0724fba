import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildConda, repodataOf, sampleIndex, shardedRepodata } from '../../libs/inspectors/conda/__fixtures__/sample-conda.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const file = 'millrace-sample-1.0.0-h123_0.conda';

function conda(content: string): Buffer {
  const paths = { paths: [{ _path: 'share/sample.txt', path_type: 'hardlink', sha256: sha256(content), size_in_bytes: content.length }], paths_version: 1 };
  return buildConda({ paths, files: [{ name: 'share/sample.txt', content }] });
}

const honest = conda('one\n');
const tampered = conda('two\n');

// The client is py-rattler, conda's client in Rust, from the machine's own Python index.
describeClient('python3', ({ service, directory }) => {
  let served = honest;
  let sharded = false;
  let channel: LoopbackOrigin | undefined;
  let python = '';
  beforeAll(async () => {
    const environment = directory();
    execFileSync('python3', ['-m', 'venv', environment], { stdio: 'pipe' });
    python = path.join(environment, 'bin', 'python');
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'py-rattler'], { stdio: 'pipe' });
    const record = { ...sampleIndex, size: honest.length, sha256: sha256(honest) };
    const documents: Readonly<Record<string, Buffer>> = {
      '/channel/linux-64/repodata.json.zst': zstdCompressSync(repodataOf({}, { 'packages.conda': { [file]: record }, removed: [] })),
      '/channel/noarch/repodata.json.zst': zstdCompressSync(repodataOf({}, { info: { subdir: 'noarch' }, removed: [] })),
    };
    const shards = shardedRepodata(file, honest);
    const shardDocuments: Readonly<Record<string, Buffer>> = { '/channel/linux-64/repodata_shards.msgpack.zst': shards.index, [`/channel/linux-64/shards/${shards.shardName}`]: shards.shard };
    channel = await startOrigin(service(), 'http', (request, response) => {
      const url = request.url ?? '';
      const answer = url === `/channel/linux-64/${file}` ? served : ((sharded ? shardDocuments[url] : undefined) ?? documents[url]);
      if (answer === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': String(answer.length) }).end(request.method === 'HEAD' ? undefined : answer);
    });
  }, 240_000);
  afterAll(() => channel?.close());

  function install(build: string): readonly string[] {
    const script = path.join(import.meta.dirname, '__fixtures__/conda-install.py');
    return [python, script, `${channel?.url}/channel`, path.join(build, 'prefix'), path.join(build, 'cache'), 'millrace-sample'];
  }
  const installed = (build: string): string => path.join(build, 'prefix', 'share', 'sample.txt');

  it.each([
    ['whole', false, ['application/x.conda.repodata', 'application/x.conda.repodata']],
    ['sharded', true, ['application/x.conda.repodata', 'application/x.conda.shard', 'application/x.conda.shard-index']],
  ])('installs in a strict session what the repodata of a channel declare (%s)', async (form, shards, indexes) => {
    [served, sharded] = [honest, shards];
    const build = directory();
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: install(build) });
    expect(readFileSync(installed(build), 'utf8')).toBe('one\n');
    expect(summaries(report)).toEqual(['application/x.conda.package millrace-sample 1.0.0 Approved', ...indexes.map((type) => `${type} Approved`)]);
    // What the channel does not have, and whose bodies nobody judges.
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'conda', client: 'py-rattler', build: `a package from a loopback channel with ${form} repodata`, verdict: 'passes' });
  }, 120_000);

  it('gets no package in a strict session that differs in one byte from what the repodata declare', async () => {
    [served, sharded] = [tampered, false];
    const build = directory();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: install(build) });
    expect(existsSync(installed(build))).toBe(false);
    const reason = "the package's SHA-256 digest is not the one that the repodata declare";
    expect(report['refused-requests']).toContainEqual(expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining(reason), sha256: sha256(tampered) }));
    expect(summaries(report)).toContain('application/x.conda.package millrace-sample 1.0.0 Rejected');
    recordVerdict({ ecosystem: 'conda', client: 'py-rattler', build: 'a package with one byte changed', verdict: 'refused', reason });
  }, 120_000);
});
