import { describe, expect, it } from '@jest/globals';
import { absentEngine, authorization, hangingEngine, startTestGateway } from '../__fixtures__/test-gateway.js';
import { MemoryCache } from '../__fixtures__/memory-cache.js';
import { MemoryRecord } from '../__fixtures__/memory-record.js';

describe('/readyz', () => {
  it('wants the engine once, and the database always', async () => {
    let engine: () => Promise<boolean> = absentEngine.reachable;
    let database: () => Promise<void> = () => Promise.resolve();
    const { reads } = new MemoryRecord();
    const gateway = await startTestGateway({ dependencies: { workflows: { ...absentEngine, reachable: () => engine() }, reads: { ...reads, ready: () => database() } } });
    const ready = async (): Promise<unknown> => {
      const answer = await fetch(`${gateway.url}/readyz`);
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    try {
      expect(await ready()).toEqual({ status: 503, ready: false, database: 'ok', workflowEngine: 'away' });
      engine = () => Promise.resolve(true);
      expect(await ready()).toEqual({ status: 200, ready: true, database: 'ok', workflowEngine: 'ok' });
      engine = hangingEngine.reachable;
      expect(await ready()).toEqual({ status: 200, ready: true, database: 'ok', workflowEngine: 'away' });
      database = () => Promise.reject(new Error('connect ECONNREFUSED'));
      expect(await ready()).toEqual({ status: 503, ready: false, database: 'away', workflowEngine: 'away' });
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    } finally {
      await gateway.close();
    }
  });
});

describe('/readyz/cache', () => {
  it('wants the store of the artifact cache and the database, and the gateway itself does not', async () => {
    const cache = new MemoryCache();
    let database: () => Promise<void> = () => Promise.resolve();
    const { reads } = new MemoryRecord();
    const gateway = await startTestGateway({ dependencies: { workflows: { ...absentEngine, reachable: () => Promise.resolve(true) }, reads: { ...reads, ready: () => database() }, caches: cache.dependencies() } });
    const ready = async (): Promise<unknown> => {
      const answer = await fetch(`${gateway.url}/readyz/cache`);
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    try {
      expect(await ready()).toEqual({ status: 200, ready: true, database: 'ok', store: 'ok' });
      cache.store = 'away';
      expect(await ready()).toEqual({ status: 503, ready: false, database: 'ok', store: 'away' });
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
      cache.store = 'works';
      database = () => Promise.reject(new Error('connect ECONNREFUSED'));
      expect(await ready()).toEqual({ status: 503, ready: false, database: 'away', store: 'ok' });
    } finally {
      await gateway.close();
    }
  });
});

describe('/metrics', () => {
  it('counts requests by route and sessions by state, and never names a session', async () => {
    const gateway = await startTestGateway();
    try {
      const opened = (await (await fetch(`${gateway.url}/session`, { method: 'POST', headers: { authorization }, body: '{}' })).json()) as { id: string };
      await fetch(`${gateway.url}/session/${opened.id}`, { headers: { authorization } });
      await fetch(`${gateway.url}/some/${opened.id}`);
      const text = await (await fetch(`${gateway.url}/metrics`)).text();
      expect(text).toContain('millrace_sessions_opened_total{policy="strict"} 1');
      expect(text).toContain('millrace_sessions{state="open"} 1');
      expect(text).toContain('millrace_database_up 1');
      expect(text).toContain('millrace_http_request_duration_seconds_count{method="GET",route="/session/:id",status="400"} 1');
      expect(text).toContain('route="unknown",status="404"');
      expect(text).toMatch(/millrace_build_info\{version="[^"]+",node="24[^"]*"\} 1/);
      expect(text).not.toContain(opened.id);
    } finally {
      await gateway.close();
    }
  });
});
