import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { until } from '../__fixtures__/byte-streams.js';
import { startTestCache, type TestCache } from '../__fixtures__/test-cache.js';

let server: TestCache;
const opened: (net.Socket | http2.ClientHttp2Session)[] = [];

beforeAll(async () => {
  server = await startTestCache({ limits: { connectionsPerAddress: 4, callsPerAddress: 6 } });
});
afterAll(async () => {
  for (const each of opened) each.destroy();
  await server.close();
});

function session(localAddress: string): http2.ClientHttp2Session {
  const made = http2.connect(`http://${server.address}`, { createConnection: () => net.connect({ port: server.port, host: '127.0.0.1', localAddress }) });
  made.on('error', () => undefined);
  opened.push(made);
  return made;
}

/** Status that a call gets; undefined: none yet, for it sends nothing. */
function call(made: http2.ClientHttp2Session): { code: number | undefined; close(): void } {
  const stream = made.request({ ':method': 'POST', ':path': '/google.bytestream.ByteStream/Write', 'content-type': 'application/grpc', te: 'trailers' });
  const own: { code: number | undefined; close(): void } = { code: undefined, close: () => void stream.close() };
  stream.on('error', () => undefined).on('response', (headers) => (own.code = headers['grpc-status'] === undefined ? undefined : Number(headers['grpc-status'])));
  return own;
}

describe('one address', () => {
  it('has some calls open at a time, over all its connections, and others are served', async () => {
    const [one, other] = [session('127.0.0.2'), session('127.0.0.2')];
    const calls = [one, one, one, other, other, other, one, other].map(call);
    await until(() => Promise.resolve(calls.filter(({ code }) => code === status.RESOURCE_EXHAUSTED).length === 2));
    const elsewhere = call(session('127.0.0.3'));
    calls.find(({ code }) => code === undefined)?.close();
    const open = async (): Promise<boolean> => {
      const next = call(one);
      const ping = Promise.withResolvers<undefined>();
      one.ping(() => ping.resolve(undefined));
      await ping.promise;
      return next.code === undefined;
    };
    await until(open);
    expect(elsewhere.code).toBeUndefined();
  });

  it('has some connections at a time, and others are let in', async () => {
    const connect = (localAddress: string): net.Socket => {
      const socket = net.connect({ port: server.port, host: '127.0.0.1', localAddress });
      socket.on('error', () => undefined);
      opened.push(socket);
      return socket;
    };
    const sockets = Array.from({ length: 4 }, () => connect('127.0.0.4'));
    await Promise.all(sockets.map(async (socket) => once(socket, 'connect')));
    await once(connect('127.0.0.4'), 'close');
    const other = connect('127.0.0.5');
    await once(other, 'data');
    expect([other.destroyed, ...sockets.map(({ destroyed }) => destroyed)]).toEqual([false, false, false, false, false]);
    sockets[0]?.destroy();
    await until(async () => {
      const next = connect('127.0.0.4');
      const came = await Promise.race([once(next, 'data').then(() => true, () => false), once(next, 'close').then(() => false)]);
      return came;
    });
  });
});
