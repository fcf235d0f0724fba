import type { SecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { openFaultSession } from './fault-session.js';
import type { FaultSession } from './fault-session.js';
import { startFaultService } from './fault-service.js';
import type { FaultService } from './fault-service.js';
import { serveFiles, startParallelBuild } from './parallel-build.js';
import type { ParallelBuild } from './parallel-build.js';
import { authorityOf } from './proxy-client.js';
import { until } from './until.js';

let service: FaultService;
let origins: LoopbackOrigin[] = [];
let authority: SecureContext;

beforeAll(async () => {
  service = await startFaultService({ proxies: 1 });
  origins = await Promise.all((['http', 'https'] as const).map((scheme) => startOrigin(service, scheme, serveFiles)));
  authority = await authorityOf(service);
}, 120_000);
afterAll(async () => {
  await Promise.all(origins.map((origin) => origin.close()));
  await service?.stop();
}, 60_000);

async function startBuild(): Promise<{ readonly session: FaultSession; readonly build: ParallelBuild }> {
  const session = await openFaultSession(service);
  return { session, build: startParallelBuild(service, { session, authority, origins: origins.map(({ url }) => url), connections: 6 }) };
}

/** Some more files come to the build, all of which it asked for after now. */
async function progresses(build: ParallelBuild): Promise<void> {
  const before = build.complete.length;
  await until(() => build.complete.length >= before + 20);
}

/** Everything that the build saw complete stands in the report with its digest; the chain is whole; the end leaves nothing. */
async function expectRecorded(session: FaultSession, build: ParallelBuild): Promise<void> {
  await build.finish();
  await session.revoke();
  const report = await session.report();
  const recorded = new Set(report.artifacts.flatMap(({ metadata, downloads }) => downloads.filter((download) => download.delivered && download['status-code'] === 200).map(({ url }) => `${url} ${metadata.sha256}`)));
  const complete = build.complete.map(({ url, sha256 }) => `${url} ${sha256}`);
  expect(complete.length).toBeGreaterThanOrEqual(40);
  expect(complete.filter((download) => !recorded.has(download))).toEqual([]);
  expect(await session.verifyChain()).toMatchObject({ intact: true });
  await session.end();
  expect(await session.reportStatus()).toBe(404);
}

describe('a build, while a process is killed -9', () => {
  it.each(['proxy-1', 'worker', 'gateway', 'temporal', 'postgres'])('goes on when it is %s, and everything that it saw complete is in the report', async (name) => {
    const { session, build } = await startBuild();
    await progresses(build);
    await service.killPart(name);
    await progresses(build);
    // Downloads were under way: the build lost some of them.
    if (name === 'proxy-1') expect(build.failures).toBeGreaterThan(0);
    await expectRecorded(session, build);
    expect(service.logLines().filter((line) => /unhandled|uncaught/i.test(line))).toEqual([]);
  }, 60_000);

  it('goes on when it is the supervisor, and a new one starts on the same home', async () => {
    const { session, build } = await startBuild();
    await progresses(build);
    await service.killSupervisor();
    await progresses(build);
    expect(build.failures).toBeGreaterThan(0);
    await expectRecorded(session, build);
    expect(service.logLines().filter((line) => /unhandled|uncaught/i.test(line))).toEqual([]);
  }, 90_000);
});
