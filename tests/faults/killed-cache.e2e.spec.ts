import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startFaultService } from './fault-service.js';
import type { FaultService } from './fault-service.js';
import { until } from './until.js';

const outputs = 8;
/** More than what lies in the database, so that the store has its part. */
const outputBytes = 20_000;

interface Build {
  readonly code: number | null;
  readonly log: string;
  /** How many of the actions came out of the cache. */
  readonly hits: number;
}

/** The real client: Debian's Bazel, on machines that have nothing in common but the cache. */
describeWith('bazel', 'Bazel at the artifact cache of a whole service', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bazel-'));
  let service: FaultService;
  let machines = 0;

  beforeAll(async () => {
    service = await startFaultService({ proxies: 1 });
  }, 300_000);
  afterAll(async () => {
    await service?.stop();
    // Bazel takes away the right to write in what it has built.
    forget(folder);
  }, 60_000);

  function project(name: string, prepare = ''): string {
    const at = path.join(folder, name);
    mkdirSync(at);
    writeFileSync(path.join(at, 'WORKSPACE'), '');
    writeFileSync(path.join(at, 'BUILD'), `[genrule(name = "made%d" % i, outs = ["out%d" % i], cmd = "${prepare}(yes ${name}-%d || true) | head -c ${outputBytes} > $@" % i) for i in range(${outputs})]\n`);
    return at;
  }

  /** On a machine of its own, with nothing built. */
  async function build(at: string, cache: string): Promise<Build> {
    machines += 1;
    const authorization = `Authorization=Basic ${Buffer.from(service.controlAuth).toString('base64')}`;
    const parameters = [`--output_user_root=${path.join(folder, `machine-${machines}`)}`, '--batch', '--nohome_rc', 'build', '//:all', '--jobs=2', '--color=no', '--spawn_strategy=local', `--remote_cache=${cache}`, `--remote_header=${authorization}`];
    const child = spawn('bazel', parameters, { cwd: at, env: { PATH: '/usr/bin:/bin', HOME: folder, LC_ALL: 'C.UTF-8' }, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const log = await text(child.stderr);
    return { code: await ended, log, hits: Number(/(\d+) remote cache hit/.exec(log)?.[1] ?? 0) };
  }

  const read = (at: string): readonly string[] => Array.from({ length: outputs }, (_, index) => readFileSync(path.join(at, 'bazel-bin', `out${index}`), 'utf8'));
  const expected = (name: string): readonly string[] => Array.from({ length: outputs }, (_, index) => `${name}-${index}\n`.repeat(outputBytes).slice(0, outputBytes));
  const grpc = (): string => (JSON.parse(readFileSync(path.join(service.home, 'addresses.json'), 'utf8')) as { readonly cache: string }).cache;

  it('pushes over gRPC what other machines pull over gRPC and HTTP without making anything', async () => {
    const at = project('shared');
    expect(await build(at, grpc())).toMatchObject({ code: 0, hits: 0 });
    expect(await build(at, grpc())).toMatchObject({ code: 0, hits: outputs });
    expect(await build(at, service.addresses.control)).toMatchObject({ code: 0, hits: outputs });
    expect(read(at)).toEqual(expected('shared'));
  }, 90_000);

  it('builds well while the cache, its database and the worker are killed under it, and nothing that it pushed is broken', async () => {
    const at = project('killed', `touch ${path.join(folder, 'started')}; sleep 0.5; `);
    const running = build(at, grpc());
    let over = false;
    void running.then(() => (over = true));
    await until(() => over || existsSync(path.join(folder, 'started')));
    for (const part of ['cache', 'postgres', 'worker']) await service.killPart(part);
    expect(await running).toMatchObject({ code: 0 });
    expect(read(at)).toEqual(expected('killed'));
    // What did not get there is made again and pushed; the next machine finds all of it.
    expect(await build(at, grpc())).toMatchObject({ code: 0 });
    expect(read(at)).toEqual(expected('killed'));
    expect(await build(at, grpc())).toMatchObject({ code: 0, hits: outputs });
    expect(read(at)).toEqual(expected('killed'));
  }, 120_000);
});

function forget(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) if (entry.isDirectory()) chmodSync(path.join(entry.parentPath, entry.name), 0o700);
  rmSync(folder, { recursive: true, force: true });
}
