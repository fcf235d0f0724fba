import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ComposeState } from '../../../libs/compose/compose-vocabulary.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { WaitingRoom } from './waiting-room.js';

let gateway: TestGateway;
beforeAll(async () => {
  // Half a second of silence cuts a connection that nobody waits on.
  gateway = await startTestGateway({ clientMilliseconds: 500, waitingSeats: 3, heartbeatMilliseconds: 100 });
});
afterAll(() => gateway.close());

async function create(state: ComposeState = 'wait'): Promise<number> {
  const answer = await fetch(`${gateway.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"http://r.test/"}}' });
  const { id } = (await answer.json()) as { id: number };
  if (state !== 'wait') gateway.composes.set(id, { state });
  return id;
}

async function get(id: number, query: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${gateway.url}/api/1/composes/${id}?${query}`, { headers });
  const text = await answer.text();
  return { status: answer.status, state: text === '' ? '' : (JSON.parse(text) as { state_name?: string }).state_name, tag: answer.headers.get('etag') ?? '' };
}

async function untilWaiting(count: number): Promise<void> {
  while (gateway.composes.changes.listenerCount('changed') < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('?wait', () => {
  it('answers when the state changes, although nothing was sent for longer than a connection may be silent', async () => {
    const id = await create();
    const waiting = get(id, 'wait=30');
    await untilWaiting(1);
    gateway.composes.set(id, { kojiEvent: 7 }); // no other state
    await new Promise((resolve) => setTimeout(resolve, 900));
    gateway.composes.set(id, { state: 'generating' });
    expect(await waiting).toMatchObject({ status: 200, state: 'generating' });
  });

  it('answers what is so when the time is over', async () => {
    expect(await get(await create(), 'wait=0.05')).toMatchObject({ status: 200, state: 'wait' });
  });

  it.each(['done', 'failed', 'removed'] as const)('answers at once when it is %s', async (state) => {
    expect(await get(await create(state), 'wait=60')).toMatchObject({ status: 200, state });
  });

  it('with If-None-Match answers at once what the client does not have, and 304 when the time is over', async () => {
    const id = await create();
    const { tag } = await get(id, '');
    expect((await get(id, 'wait=0.05', { 'if-none-match': tag })).status).toBe(304);
    const waiting = get(id, 'wait=30', { 'if-none-match': tag });
    await untilWaiting(1);
    gateway.composes.set(id, { stateReason: 'Compose thread started' });
    expect((await waiting).status).toBe(200);
    expect((await get(id, 'wait=30', { 'if-none-match': tag })).status).toBe(200);
  });

  it.each(['soon', '-1', 'NaN', '1e3', '0x10'])('refuses to wait for %s', async (wait) => {
    expect((await get(await create(), `wait=${wait}`)).status).toBe(400);
  });

  it('gives whoever comes when all places are taken an answer at once, and the place of whoever goes away to the next', async () => {
    const id = await create();
    const sockets = await Promise.all(
      [1, 2, 3].map(async () => {
        const socket = connect(gateway.port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write(`GET /api/1/composes/${id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n`);
        return socket;
      }),
    );
    await untilWaiting(3);
    expect(await get(id, 'wait=60')).toMatchObject({ status: 200, state: 'wait' });
    for (const socket of sockets) socket.destroy();
    while (gateway.composes.changes.listenerCount('changed') > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const waiting = get(id, 'wait=60');
    await untilWaiting(1);
    gateway.composes.set(id, { state: 'failed' });
    expect(await waiting).toMatchObject({ state: 'failed' });
  });
});

interface Events {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** What has arrived so far. */
  text(): string;
  readonly ended: Promise<void>;
}

async function listen(id: number, headers: Readonly<Record<string, string>> = {}): Promise<Events> {
  const request = httpRequest(`${gateway.url}/api/1/composes/${id}`, { headers: { accept: 'text/event-stream', ...headers } }).end();
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { status: response.statusCode ?? 0, headers: response.headers, text: () => text, ended: once(response, 'end').then(() => undefined) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('an event stream', () => {
  it('has the state of now and each one after it, signs of life between, and ends with the compose', async () => {
    const id = await create();
    const events = await listen(id);
    expect(events).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8', 'access-control-allow-origin': '*', 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' } });
    await until(() => events.text().includes(': still so'));
    gateway.composes.set(id, { state: 'generating' });
    await until(() => events.text().includes('generating'));
    gateway.composes.set(id, { state: 'done', doneAt: new Date().toISOString() });
    await events.ended;
    const states = [...events.text().matchAll(/^id: (\d+)\nevent: state-changed\ndata: (.*)\n\n/gm)].map(([, version, data]) => [Number(version), (JSON.parse(data ?? '') as { state_name: string }).state_name]);
    expect(states).toEqual([[1, 'wait'], [2, 'generating'], [3, 'done']]);
  });

  it('of a compose that has ended has one event, and whoever had that is told not to come again', async () => {
    const id = await create('failed');
    const events = await listen(id);
    await events.ended;
    expect(events.text().match(/event: state-changed/g)).toHaveLength(1);
    expect((await listen(id, { 'last-event-id': '2' })).status).toBe(204);
  });

  it('takes no place from others when all are taken', async () => {
    const id = await create();
    const open = await Promise.all([listen(id), listen(id), listen(id)]);
    await untilWaiting(3);
    const late = await listen(id);
    await late.ended;
    expect(late.text()).toMatch(/^retry: 5000\n\nid: 1\nevent: state-changed\n/);
    gateway.composes.set(id, { state: 'failed' });
    await Promise.all(open.map(({ ended }) => ended));
  });

  it('of a compose that nobody has is 404 as ever', async () => {
    expect(await listen(99_999)).toMatchObject({ status: 404, headers: { 'content-type': 'application/json; charset=utf-8' } });
  });
});

describe('the waiting room', () => {
  it('counts who is in it, and nobody twice who leaves', () => {
    const room = new WaitingRoom(2);
    const [first, second] = [room.enter(), room.enter()];
    expect([room.waiting, room.enter()]).toEqual([2, undefined]);
    first?.();
    first?.();
    expect(room.waiting).toBe(1);
    second?.();
    expect(room.waiting).toBe(0);
  });
});
