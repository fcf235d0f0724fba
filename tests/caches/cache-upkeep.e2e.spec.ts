import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { millrace } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import type { CliResult } from '../../apps/cli/__fixtures__/recorded-terminal.js';
import { startComposeService } from '../composes/compose-service.js';
import type { ComposeService } from '../composes/compose-service.js';

let folder: string;
let service: ComposeService;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-caches-'));
  const settings = path.join(folder, 'cache.yaml');
  writeFileSync(settings, 'instances: {main: {lease: 10, verification: off}, kept: {verification: off}}\n');
  service = await startComposeService({ MILLRACE_CACHE: settings });
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
    expect(JSON.parse((await cli('stats', 'kept', '--json')).stdout)).toMatchObject({ usage: { bytes: 200_000, blobs: 1, entries: 1, kept: 200_000 } });
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
});
