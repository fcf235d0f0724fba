import { setImmediate as turn } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { allRequests } from '../clients/session-report.js';
import { openFaultSession } from './fault-session.js';
import { startFaultService } from './fault-service.js';
import type { FaultService } from './fault-service.js';
import { startHammering } from './hammering-clients.js';
import { authorityOf, createProxyClient } from './proxy-client.js';
import { until } from './until.js';

let service: FaultService;
let origins: LoopbackOrigin[] = [];
let authority: SecureContext;
const urls = (): readonly string[] => origins.map(({ url }) => url);
const arrived = (): readonly string[] => origins.flatMap(({ requests }) => requests);

beforeAll(async () => {
  service = await startFaultService({ proxies: 2 });
  origins = await Promise.all((['http', 'https'] as const).map((scheme) => startOrigin(service, scheme, (request, response) => response.end(`here is ${request.url}`))));
  authority = await authorityOf(service);
}, 120_000);
afterAll(async () => {
  await Promise.all(origins.map((origin) => origin.close()));
  await service?.stop();
}, 60_000);

/** What reached this machine's sockets before now has been read by the origins afterwards: they live in this event loop. */
async function arrivedByNow(): Promise<number> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
  return arrived().length;
}

describe('after a revoke has answered', () => {
  it.each([1, 2, 3])('not one more request goes upstream, from 40 busy clients through two proxy processes (%i)', async () => {
    const session = await openFaultSession(service);
    const clients = startHammering(service, { session, authority, origins: urls(), clients: 40 });
    try {
      await until(() => clients.answered(200) >= 400);
      await session.revoke();
      const requests = await arrivedByNow();
      const refused = clients.tries;
      await until(() => clients.tries >= refused + 200);
      expect(arrived().length).toBe(requests);
      expect(clients.answered(407)).toBeGreaterThan(100);
    } finally {
      await clients.stop();
    }
    // Whatever the origins saw is accounted for: downloaded, or failed when the revoke cut it.
    const reported = new Set(allRequests(await session.report()).map(({ url }) => new URL(url).pathname));
    const seen = arrived().map((request) => request.slice('GET '.length)).filter((path) => path.startsWith(`/${session.id}/`));
    expect(seen.filter((path) => !reported.has(path))).toEqual([]);
    await session.end();
  }, 60_000);

  it('a process that was stopped meanwhile lets nothing through when it goes on', async () => {
    const session = await openFaultSession(service);
    const stopped = await service.pidOf('proxy-1');
    const clients = startHammering(service, { session, authority, origins: urls(), clients: 40 });
    try {
      await until(() => clients.answered(200) >= 400);
      process.kill(stopped, 'SIGSTOP');
      await session.revoke();
      const requests = await arrivedByNow();
      const waiting = clients.waiting;
      expect(waiting).toBeGreaterThan(0);
      process.kill(stopped, 'SIGCONT');
      const refused = clients.tries;
      await until(() => clients.tries >= refused + waiting + 200);
      expect(arrived().length).toBe(requests);
    } finally {
      process.kill(stopped, 'SIGCONT');
      await clients.stop();
    }
    expect(await session.verifyChain()).toMatchObject({ intact: true });
    await session.end();
  }, 60_000);
});

describe('sessions beside each other', () => {
  it('see their own traffic only, ten at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 10 }, () => openFaultSession(service)));
    const wanted = await Promise.all(
      sessions.map(async (session) => {
        const own = Array.from({ length: 24 }, (_, index) => `${urls()[index % 2]}/${session.id}/file-${index}`);
        const clients = Array.from({ length: 3 }, () => createProxyClient(service, session, authority));
        const statuses = await Promise.all(own.map(async (url, index) => (await clients[index % 3]?.get(url))?.status));
        for (const client of clients) client.close();
        expect(new Set(statuses)).toEqual(new Set([200]));
        return own;
      }),
    );
    for (const [index, session] of sessions.entries()) {
      await session.revoke();
      expect(allRequests(await session.report()).map(({ url }) => url).sort()).toEqual([...(wanted[index] ?? [])].sort());
      await session.end();
    }
  }, 60_000);

  it('do not take each other\'s tokens', async () => {
    const [own, other] = await Promise.all([openFaultSession(service), openFaultSession(service)]);
    const mixed = { credentials: `Basic ${Buffer.from(`${own.id}:${other.token}`).toString('base64')}` };
    const before = arrived().length;
    for (const origin of urls()) {
      const client = createProxyClient(service, mixed, authority);
      expect((await client.get(`${origin}/mixed`)).status).toBe(407);
      client.close();
    }
    expect(arrived().length).toBe(before);
    await own.revoke();
    expect(allRequests(await own.report())).toEqual([]);
    // The other session is as open as before.
    const client = createProxyClient(service, other, authority);
    expect((await client.get(`${urls()[0]}/other`)).status).toBe(200);
    client.close();
    for (const session of [own, other]) {
      await session.revoke();
      await session.end();
    }
  }, 60_000);
});

describe('a session whose time is over', () => {
  it('is refused at once although its workflow stands still, and is gone when that goes on', async () => {
    const worker = await service.pidOf('worker');
    process.kill(worker, 'SIGSTOP');
    try {
      const session = await openFaultSession(service, { timeout: 4 });
      const expiresAt = Date.now() + 4000; // at the latest: it was opened before
      const client = createProxyClient(service, session, authority);
      expect((await client.get(`${urls()[0]}/${session.id}`)).status).toBe(200);
      await until(() => Date.now() >= expiresAt);
      const before = arrived().length;
      for (const origin of urls()) expect((await client.get(`${origin}/late`)).status).toBe(407);
      expect(arrived().length).toBe(before);
      expect(await session.tables()).toContain('sessions');
      client.close();
      process.kill(worker, 'SIGCONT');
      await until(async () => (await session.reportStatus()) === 404);
      await until(async () => (await session.tables()).length === 0);
    } finally {
      process.kill(worker, 'SIGCONT');
    }
  }, 60_000);
});
