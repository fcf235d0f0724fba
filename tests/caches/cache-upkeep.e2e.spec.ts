import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { millrace } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import type { CliResult } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import { until, writeBytes, writeStream } from '../../apps/cache/__fixtures__/byte-streams.js';
import { ask, blobName, connectClients, nobody, pusher, sha256 } from '../../apps/cache/__fixtures__/test-clients.js';
import { forEachAtOnce } from '../../libs/compose-engine/for-each-at-once.js';
import { choosePort } from '../../libs/embedded/free-port.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startComposeService } from '../composes/compose-service.js';
import type { ComposeService } from '../composes/compose-service.js';
import { healthOf } from './cache-health.js';
import { ostreeClient } from './ostree-client.js';
import { pushOverSsh } from './push-over-ssh.js';

let folder: string;
const uploadName = (content: Buffer): string => `uploads/${randomUUID()}/${blobName(content)}`;

let service: ComposeService;
let ssh: number;
let metrics: number;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-caches-'));
  const settings = path.join(folder, 'cache.yaml');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, 'key')]);
  const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-lf', path.join(folder, 'key')], { encoding: 'utf8' }).split(' ');
  writeFileSync(settings, `instances: {main: {lease: 10, verification: off}, kept: {verification: off}, artifacts: {verification: off, ostree: {url: "http://cache.example/ostree/artifacts"}, access: {push: [{ssh-keys: ["${fingerprint}"]}]}}}\n`);
  [ssh, metrics] = [await choosePort('localhost'), await choosePort('localhost')];
  service = await startComposeService({ MILLRACE_CACHE: settings, MILLRACE_CACHE_SSH_PORT: String(ssh), MILLRACE_CACHE_METRICS_PORT: String(metrics) });
}, 300_000);
afterAll(async () => {
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const cli = (...parameters: readonly string[]): Promise<CliResult> => millrace({ PATH: '', MILLRACE_SERVER: service.url, MILLRACE_CONTROL_AUTH: Buffer.from(service.authorization.slice('Basic '.length), 'base64').toString() }, 'cache', ...parameters);

describe('the artifact cache of a whole service', () => {
  it('is pushed to by HTTP, and looked after by the command line', async () => {
    const bytes = randomBytes(200_000);
    const pushed = await fetch(`${service.url}/cache/kept/gradle/aaaa`, { method: 'PUT', body: bytes, headers: { authorization: service.authorization, 'millrace-build': 'build 7' } });
    expect(pushed.status).toBe(201);
    const out = path.join(folder, 'out');
    expect(await cli('get', out, '--instance', 'kept', '--kind', 'gradle', '--key', 'aaaa')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readFileSync(out).equals(bytes)).toBe(true);
    expect((await cli('why', 'aaaa', '--instance', 'kept')).stdout).toMatch(/^gradle aaaa: in the cache\n {2}\S+ {2}pushed by \S+ \(.*build build 7.*\)\n$/);
    expect(JSON.parse((await cli('stats', 'kept', '--json')).stdout)).toMatchObject({ usage: { bytes: 200_000, blobs: 1, entries: 1, kept: 200_000, exported: 0 } });
    // What was just used is leased, whatever an operator asks for.
    expect(await cli('evict', '--instance', 'kept', '--to', '1')).toMatchObject({ exitCode: 0, stdout: '0 entries and 0 blobs were evicted: 0 B.\n' });
    expect(await cli('verify', '--instance', 'kept')).toEqual({ exitCode: 0, stdout: '1 blobs were read. All are what they should be.\n', stderr: '' });
    expect(await cli('pause', '--instance', 'kept')).toMatchObject({ exitCode: 0 });
    expect(JSON.parse((await cli('stats', 'kept', '--json')).stdout)).toMatchObject({ status: { paused: true } });
    expect(await cli('resume', '--instance', 'kept')).toMatchObject({ exitCode: 0 });
  }, 60_000);

  it('finds what its store has lost, and goes on with a miss', async () => {
    const bytes = randomBytes(10_000);
    const hash = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(path.join(folder, 'lost'), bytes);
    await cli('put', path.join(folder, 'lost'));
    const [object] = service.cacheObjects(hash);
    rmSync(object ?? '');
    expect(await cli('verify')).toEqual({ exitCode: 65, stdout: '1 blobs were read. 1 were lost or had other bytes; they are misses now.\n', stderr: '' });
    expect((await fetch(`${service.url}/cas/${hash}`)).status).toBe(404);
  }, 60_000);

  it('tells of a store that is not mounted, by its metrics and its health, loses nothing by it, and goes on by itself', async () => {
    const bytes = randomBytes(700_000);
    const hash = createHash('sha256').update(bytes).digest('hex');
    const url = `${service.url}/cas/${hash}`;
    expect((await fetch(url, { method: 'PUT', body: bytes, headers: { authorization: service.authorization } })).status).toBe(201);
    const [clients, health] = [connectClients(service.cacheAddress), healthOf(service.cacheAddress)];
    const read = async (): Promise<number> => {
      let size = 0;
      for await (const { data } of clients.bytes.read({ resourceName: blobName(bytes), readOffset: 0, readLimit: 0 }, nobody()) as AsyncIterable<{ readonly data: Buffer }>) size += data.length;
      return size;
    };
    const seen = async (): Promise<unknown> => [(await fetch(`http://localhost:${metrics}/readyz`)).status, (await fetch(`${service.url}/readyz/cache`)).status, await health.check(''), await health.check('google.bytestream.ByteStream'), await health.check('build.bazel.remote.execution.v2.Capabilities')];
    const becomes = (state: readonly unknown[]): Promise<void> => until(async () => JSON.stringify(await seen()) === JSON.stringify(state));
    try {
      expect(await read()).toBe(700_000);
      await becomes([200, 200, 'SERVING', 'SERVING', 'SERVING']);
      renameSync(service.cacheFolder, `${service.cacheFolder}.away`);
      mkdirSync(service.cacheFolder);
      await expect(read()).rejects.toMatchObject({ code: 14 });
      expect((await fetch(url)).status).toBe(503);
      expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
      await becomes([503, 503, 'NOT_SERVING', 'NOT_SERVING', 'SERVING']);
      rmSync(service.cacheFolder, { recursive: true });
      renameSync(`${service.cacheFolder}.away`, service.cacheFolder);
      await becomes([200, 200, 'SERVING', 'SERVING', 'SERVING']);
      expect(await read()).toBe(700_000);
      const shown = await (await fetch(`http://localhost:${metrics}/metrics`)).text();
      for (const line of [
        'millrace_cache_grpc_duration_seconds_count{method="google.bytestream.ByteStream/Read",status="OK"} 2',
        'millrace_cache_grpc_duration_seconds_count{method="google.bytestream.ByteStream/Read",status="UNAVAILABLE"} 1',
        'millrace_cache_grpc_errors_total{code="storage-unavailable"} 1',
        'millrace_cache_grpc_calls{method="google.bytestream.ByteStream/Read"} 0',
        'millrace_cache_store_up 1',
        'millrace_database_up 1',
        'millrace_storage_bytes_total{store="artifact-cache",direction="read"}',
      ]) expect(shown).toContain(line);
      expect(Number(/millrace_cache_grpc_bytes_total\{method="google.bytestream.ByteStream\/Read",direction="out"\} (\d+)/.exec(shown)?.[1])).toBeGreaterThanOrEqual(1_400_000);
      expect(shown).not.toContain(hash);
    } finally {
      clients.close();
      health.close();
    }
  }, 60_000);

  it('is restarted under load: what runs may end, what comes meanwhile is told to try again, and everything is there afterwards', async () => {
    const credentials = pusher();
    credentials.set('authorization', service.authorization);
    const clients = connectClients(service.cacheAddress);
    const before = service.processOf('cache');
    const contents = Array.from({ length: 60 }, () => randomBytes(300_000));
    const statuses = new Set<number>();
    const pushed = async (content: Buffer): Promise<void> => {
      for (;;) {
        const { code } = await writeBytes(clients, uploadName(content), content, { metadata: credentials }).then(() => ({ code: 0 }), (error: { readonly code: number }) => error);
        statuses.add(code);
        if (code === 0) return;
        await delay(50);
      }
    };
    try {
      const running = writeStream(clients, credentials);
      const slow = randomBytes(200_000);
      running.call.write({ resourceName: uploadName(slow), writeOffset: 0, finishWrite: false, data: slow.subarray(0, 1000) });
      const load = forEachAtOnce(contents, 8, pushed);
      await pushed(contents[0]!);
      process.kill(before!, 'SIGTERM');
      await delay(200);
      running.call.write({ resourceName: '', writeOffset: 1000, finishWrite: true, data: slow.subarray(1000) });
      running.call.end();
      expect(await running.response).toMatchObject({ committedSize: slow.length });
      await load;
      expect([...statuses].filter((code) => ![0, 14].includes(code))).toEqual([]);
      await until(() => Promise.resolve(![undefined, before].includes(service.processOf('cache'))));
      const blobDigests = [slow, ...contents].map(sha256);
      const { missingBlobDigests } = await ask<{ readonly missingBlobDigests: readonly unknown[] }>((done) => clients.storage.findMissingBlobs({ instanceName: '', digestFunction: 0, blobDigests }, nobody(), done));
      expect(missingBlobDigests).toEqual([]);
    } finally {
      clients.close();
    }
  }, 60_000);
});

describeWith('ostree', 'an OSTree repository of a whole service', () => {
  it('is pushed to by the real ssh, and pulled from and counted', async () => {
    const client = await ostreeClient(folder, `${service.url}/ostree/artifacts`);
    const [tree, repo] = ['tree', 'repo'].map((name) => path.join(folder, name));
    mkdirSync(path.join(tree ?? '', 'files'), { recursive: true });
    writeFileSync(path.join(tree ?? '', 'files/tool'), 'an artifact\n'.repeat(1000));
    execFileSync('ostree', ['init', `--repo=${repo}`, '--mode=archive']);
    execFileSync('ostree', ['commit', `--repo=${repo}`, '--branch=project/tool.bst/01', '--subject=built', tree ?? '']);
    const login = ['ssh', '-F', 'none', '-i', path.join(folder, 'key'), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${folder}/hosts`, '-o', 'LogLevel=ERROR', '-p', String(ssh), 'artifacts@localhost'];
    expect(await pushOverSsh(login, { to: '/artifacts', repo: repo ?? '', refs: ['project/tool.bst/01'] })).toMatchObject({ status: { result: true }, exit: 0 });
    expect(readFileSync(path.join(await client.pulled('project/tool.bst/01'), 'files/tool'), 'utf8')).toContain('an artifact');
    const { usage } = JSON.parse((await cli('stats', 'artifacts', '--json')).stdout) as { readonly usage: { readonly exported: number } };
    expect(usage.exported).toBeGreaterThan(100);
    expect((await cli('stats', 'artifacts')).stdout).toMatch(/exported +[\d.]+ \S+ again as an OSTree repository/);
  }, 60_000);
});
