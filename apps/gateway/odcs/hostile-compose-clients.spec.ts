import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { odcsCompose, odcsError } from './odcs-schemas.js';

const seats = 50;
const clients = 400;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ waitingSeats: seats, heartbeatMilliseconds: 20, environment: { MILLRACE_LOG_LEVEL: 'warn' } });
});
afterAll(() => gateway.close());

const address = (): string => `${gateway.url}/api/1/composes/`;
const request = '{"source":{"type":"repo","source":"http://r.test/"}}';

async function post(body: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(address(), { method: 'POST', body });
  return { status: answer.status, text: await answer.text() };
}

async function create(): Promise<number> {
  return odcsCompose.parse(JSON.parse((await post(request)).text)).id;
}

describe('a hostile body', () => {
  it.each([
    ['deep lists', '['.repeat(500_000)],
    ['a deep list in a field', `{"source":{"type":"repo","source":"x","packages":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`],
    ['deep objects', `{"source":${'{"source":'.repeat(90_000)}1${'}'.repeat(90_001)}`],
    ['a hundred thousand fields of the wrong kind', `{${Array.from({ length: 80_000 }, (_, index) => `"f${index}":{}`).join(',')},"source":{"type":"repo","source":"x"}}`],
    ['a text of half a megabyte', `{"source":{"type":"repo","source":"${'x'.repeat(500_000)}"}}`],
    ['blanks where a number belongs', `{"source":{"type":"repo","source":"x"},"seconds-to-live":"${' '.repeat(60_000)}x"}`],
    ['a prototype', '{"__proto__":{"source":{"type":"repo","source":"x"}}}'],
    ['bytes that are no UTF-8', '\u00ff'],
  ])('(%s) is refused at once', async (name, body) => {
    const start = performance.now();
    const answer = await fetch(address(), { method: 'POST', body: name.startsWith('bytes') ? Buffer.from(body, 'latin1') : body });
    expect([answer.status, odcsError.parse(await answer.json()).status]).toEqual([400, 400]);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('that is larger than a megabyte is 413', async () => {
    const { status, text } = await post(' '.repeat(1024 * 1024 + 1));
    expect([status, odcsError.parse(JSON.parse(text)).error]).toEqual([413, 'Payload Too Large']);
  });

  it('of many packages is no trouble', async () => {
    const packages = Array.from({ length: 60_000 }, (_, index) => `package-${index}`);
    expect((await post(JSON.stringify({ source: { type: 'repo', source: 'http://r.test/', packages } }))).status).toBe(200);
  });

  it('of any shape gets a compose or a reason', async () => {
    const field = fc.constantFrom('source', 'type', 'packages', 'sigkeys', 'arches', 'flags', 'results', 'multilib_method', 'label', 'target_dir', 'seconds_to_live', 'seconds-to-live', 'koji_event', 'lookaside_repos', 'module_defaults_url', '__proto__', 'constructor');
    const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('repo', 'module', 'iso', 'no_deps', 'default', ''), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
    const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 4 }), fc.array(fc.array(leaf), { maxLength: 2 }));
    const body = fc.dictionary(field, fc.oneof(value, fc.dictionary(field, value)));
    await fc.assert(
      fc.asyncProperty(body, async (fields) => {
        const { status, text } = await post(JSON.stringify(fields));
        expect([200, 400]).toContain(status);
        (status === 200 ? odcsCompose : odcsError).parse(JSON.parse(text));
      }),
      { numRuns: 200 },
    );
  });
});

describe('hostile heads', () => {
  it.each(['x-forwarded-host', 'x-scheme', 'x-script-name', 'host', 'if-none-match', 'last-event-id', 'accept', 'origin'])('%s brings nothing into the answer’s head, and no error', async (name) => {
    for (const value of ['a\tb', '"><script>alert(1)</script>', '\u00e9'.repeat(200), ',,,,', '[::', 'x'.repeat(8000)]) {
      const socket = connect(gateway.port, '127.0.0.1');
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      socket.on('error', () => undefined);
      socket.write(Buffer.from(`GET /api/1/composes/?per_page=1 HTTP/1.1\r\n${name === 'host' ? '' : 'Host: x\r\n'}${name}: ${value}\r\nConnection: close\r\n\r\n`, 'latin1'));
      await once(socket, 'close');
      const [head = '', body = ''] = text.split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 (200|400) /);
      expect(head).not.toContain('script');
      expect(body).not.toContain('<script>');
    }
  });
});

describe('many at once', () => {
  it('a thousand requests are all answered, and each has a compose of its own', async () => {
    const answers = await Promise.all(Array.from({ length: 1000 }, () => post(request)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(answers.map(({ text }) => odcsCompose.parse(JSON.parse(text)).id)).size).toBe(1000);
  });

  it('four hundred who wait take no more places than there are, and the others are answered at once', async () => {
    const id = await create();
    const ended = { value: false };
    const early: string[] = [];
    const asked = Array.from({ length: clients }, async () => {
      const { state_name: state } = (await (await fetch(`${address()}${id}?wait=60`)).json()) as { state_name: string };
      if (!ended.value) early.push(state);
      return state;
    });
    while (early.length < clients - seats) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(gateway.composes.changes.listenerCount('changed')).toBe(seats);
    ended.value = true;
    gateway.composes.set(id, { state: 'failed' });
    const states = await Promise.all(asked);
    expect(states.filter((state) => state === 'failed')).toHaveLength(seats);
    expect(early).toEqual(Array.from({ length: clients - seats }, () => 'wait'));
  });
});

describe('readers of event streams', () => {
  async function open(id: number): Promise<Socket> {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`GET /api/1/composes/${id} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`);
    return socket;
  }

  it('that read nothing are cut when too much lies unread, and their places are free again', async () => {
    const id = await create();
    const socket = await open(id);
    await once(socket, 'readable');
    socket.pause();
    // Large events fill what the operating system keeps for a connection.
    const stateReason = 'x'.repeat(1_000_000);
    for (let round = 0; round < 40; round += 1) {
      gateway.composes.set(id, { state: round % 2 === 0 ? 'generating' : 'wait', stateReason });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // The compose has not ended, so only the server's cut ends the connection.
    const closed = once(socket, 'close');
    socket.resume();
    await closed;
  });

  it('that go away free their places', async () => {
    const id = await create();
    const sockets = await Promise.all(Array.from({ length: seats }, () => open(id)));
    while (gateway.composes.changes.listenerCount('changed') < seats) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const socket of sockets) socket.destroy();
    while (gateway.composes.changes.listenerCount('changed') > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const waiting = fetch(`${address()}${id}?wait=60`);
    while (gateway.composes.changes.listenerCount('changed') < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    gateway.composes.set(id, { state: 'failed' });
    expect(((await (await waiting).json()) as { state_name: string }).state_name).toBe('failed');
  });
});
