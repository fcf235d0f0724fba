import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import type { Inspector } from '../../../inspection/inspector.js';
import type { CompiledPolicy } from '../../../policy/compile-policy.js';
import { createMemorySessionKnowledge } from '../../../testing/memory-session-knowledge.js';
import type { SessionPolicy } from '../../../policy/session-policy.js';
import type { SessionSecret } from '../../../session/session-secrets.js';
import type { TrafficEvent } from '../../../session/session-events.js';
import type { LiveSession } from '../../ports.js';
import { openCertificateAuthority, type CertificateAuthority } from '../../tls/certificate-authority.js';
import { createSecureContexts } from '../../tls/secure-contexts.js';
import { createUpstreamConnector } from '../../upstream/connect.js';
import { createDestinationGuard } from '../../upstream/destination-guard.js';
import { defaultLimits, type ProxyContext, type ProxyLimits } from '../proxy-context.js';
import { startRecordingProxy } from '../recording-proxy.js';
import { UpstreamPool } from '../upstream-pool.js';

export const sessionId = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
export const token = 'w9Xb3kQm7TzR1vLc5YpH';
export const basicField = `Proxy-Authorization: Basic ${Buffer.from(`${sessionId}:${token}`).toString('base64')}`;

export interface HarnessOptions {
  readonly policy?: SessionPolicy;
  readonly inspectors?: readonly Inspector[];
  readonly limits?: Partial<ProxyLimits>;
  readonly secrets?: readonly SessionSecret[];
  readonly allow?: readonly string[];
  readonly caFile?: string;
  readonly keepBodies?: boolean;
  readonly rules?: CompiledPolicy;
}

/** A real proxy on loopback whose session and record live in the spec's memory and can be steered from it. */
export async function startHarness(options: HarnessOptions = {}) {
  const home = await mkdtemp(path.join(tmpdir(), 'millrace-relay-'));
  const events: TrafficEvent[] = [];
  const kept = new Map<string, Buffer | string>();
  const aborts = new Set<(reason: 'revoked' | 'expired') => void>();
  const state = { open: true, recordable: true, beforeRecord: (): Promise<void> => Promise.resolve(), lookups: 0 };
  const session: LiveSession = {
    id: sessionId,
    policy: options.policy ?? 'permissive',
    configuration: {},
    secrets: options.secrets ?? [],
    knowledge: createMemorySessionKnowledge(),
    ...(options.rules === undefined ? {} : { rules: options.rules }),
    admits: () => state.open,
    refusal: () => (state.open ? undefined : 'revoked'),
    enter(abort) {
      aborts.add(abort);
      return () => aborts.delete(abort);
    },
  };
  const authority: CertificateAuthority = openCertificateAuthority({ home });
  const context: ProxyContext = {
    ports: {
      directory: {
        authenticate(id, given) {
          state.lookups += 1;
          return Promise.resolve(state.open && id === sessionId && given === token ? session : undefined);
        },
      },
      recorder: {
        async record(_id, event) {
          await state.beforeRecord();
          if (!state.recordable) throw new Error('the record is away');
          events.push(event);
        },
      },
      bodies: {
        spoolDirectory: home,
        adopt: (_id, sha256, file) => (kept.set(sha256, file), Promise.resolve()),
        put: (_id, sha256, bytes) => (kept.set(sha256, bytes), Promise.resolve()),
      },
      inspectors: options.inspectors ?? [],
    },
    connector: createUpstreamConnector({ guard: createDestinationGuard({ allow: options.allow ?? ['127.0.0.0/8'], forbiddenPorts: [] }), caFile: options.caFile }),
    secureContexts: createSecureContexts(authority, { max: 100 }),
    pool: new UpstreamPool(),
    limits: { ...defaultLimits, ...options.limits },
    keepBodies: options.keepBodies ?? false,
    log: pino({ level: 'silent' }),
    connections: new Set(),
  };
  const proxy = await startRecordingProxy(context, { host: '127.0.0.1', port: 0, reusePort: false });
  return {
    port: proxy.port,
    home,
    context,
    authority,
    session,
    state,
    events,
    kept,
    /** Work that a revocation would abort. */
    running: () => aborts.size,
    revoke() {
      state.open = false;
      for (const abort of [...aborts]) abort('revoked');
    },
    async close() {
      await proxy.close(0);
      await rm(home, { recursive: true, force: true });
    },
  };
}

export type Harness = Awaited<ReturnType<typeof startHarness>>;

/** An origin that the spec scripts byte by byte: `answer` gets every request head that arrives. */
export async function startOrigin(answer: (request: string, socket: Socket) => void) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (;;) {
        const end = received.indexOf('\r\n\r\n');
        if (end === -1) return;
        const length = Number(/content-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? 0);
        if (received.length < end + 4 + length) return;
        const request = received.slice(0, end + 4 + length);
        received = received.slice(end + 4 + length);
        requests.push(request);
        answer(request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => sockets.size,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Sends bytes to the proxy and gives all that comes back until the connection ends. */
export function talk(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

/** A client that stays connected, for what happens over time. */
export async function openClient(port: number) {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  let received = '';
  let ended = false;
  let wake = (): void => undefined;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended = true;
    wake();
  });
  return {
    socket,
    received: () => received,
    ended: () => ended,
    async until(condition: (text: string, closed: boolean) => boolean): Promise<string> {
      while (!condition(received, ended)) {
        if (ended) throw new Error(`the connection ended before that, after: ${received}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return received;
    },
  };
}

/** Waits for a condition of the spec's own state, with the test's time limit as its end. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
