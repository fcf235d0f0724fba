import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { lookup } from 'node:dns/promises';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheContext } from '../cache-context.js';
import type { ServedCredentials } from './cache-credentials.js';
import type { CacheService } from './cache-service.js';
import { limitClients } from './limit-clients.js';
import { limitMemory } from './limit-memory.js';
import { addReflection } from './reflection.js';
import { serveMethods } from './serve-method.js';
import { uncopiedMessages } from './uncopied-messages.js';
import { isServiceServing, type CacheState } from './watch-health.js';
import { widenWindows } from './widen-windows.js';

export interface CacheServerOptions {
  /** As MILLRACE_HOST: `localhost` means both 127.0.0.1 and ::1. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Undefined: none. */
  readonly tls?: ServedCredentials;
  readonly services: readonly CacheService[];
}

export interface CacheServer {
  readonly port: number;
  /** What health checks answer from now on. */
  tell(state: CacheState): void;
  /** New calls are refused from now on; those under way have so many milliseconds to end. */
  close(grace: number): Promise<void>;
}

/** Milliseconds; calls that are still judged may go on for as long as they take. */
const longestCall = 0x7fffffff;
const healthService = 'grpc.health.v1.Health';

/** Serves the services, health and reflection. Errors: `port-in-use`. */
export async function startCacheServer(context: CacheContext, { host, port, tls, services }: CacheServerOptions): Promise<CacheServer> {
  const memory = limitMemory(context.limits, context.log);
  const clients = limitClients(context.limits, context.log);
  const server = new Server({
    interceptors: [uncopiedMessages(new Map(services.flatMap(({ heads }) => [...heads]))), clients.interceptor(memory.interceptor)],
    'grpc.max_receive_message_length': context.limits.messageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': context.limits.streamsPerConnection,
    // A peer that has gone without a word is found by asking, and its streams end.
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_connection_idle_ms': 1_800_000,
  });
  const names = services.map(({ name }) => name);
  for (const service of services) {
    const { definition, methods } = serveMethods(service, { ...context, certificates: tls?.certificates });
    server.addService(definition, methods);
  }
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((name) => [name, 'SERVING'])));
  health.addToServer(server);
  addReflection(server, [...names, healthService]);
  const narrow = widenWindows();
  // New calls come by new connections, which are verified by what holds now.
  const drain = (target: string): void => server.drain(target, longestCall);
  const bound = await listen(server, { host, port, credentials: tls?.credentials ?? ServerCredentials.createInsecure(), bound: (target) => tls?.certificates.onChange(() => drain(target)) }).catch((error: unknown) => {
    server.forceShutdown();
    memory.close();
    clients.close();
    narrow();
    throw error;
  });
  clients.watch(bound);
  let closing = false;
  return {
    port: bound,
    tell(state) {
      if (closing) return;
      for (const name of ['', ...names]) health.setStatus(name, isServiceServing(name, state) ? 'SERVING' : 'NOT_SERVING');
    },
    close: async (grace) => {
      closing = true;
      for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
      await endCalls(server, grace);
      memory.close();
      clients.close();
      narrow();
    },
  };
}

interface Listening {
  readonly port: number;
  readonly credentials: ServerCredentials;
  /** Called with each address that is listened on. */
  readonly bound: (target: string) => void;
}

async function listen(server: Server, { host, ...listening }: Listening & { readonly host: string }): Promise<number> {
  const [first, ...others] = await addressesOf(host);
  const port = await bind(server, { address: first ?? host, ...listening });
  for (const address of others) await bind(server, { ...listening, address, port });
  return port;
}

/** Every address that `localhost` has on this machine; another host as it is. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== 'localhost') return [host];
  const found = await lookup(host, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}

async function bind(server: Server, { address, port, credentials, bound }: Listening & { readonly address: string }): Promise<number> {
  const targetOf = (number: number): string => `${address.includes(':') ? `[${address}]` : address}:${number}`;
  const target = targetOf(port);
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, found) => {
      if (error === null) {
        bound(targetOf(found));
        resolve(found);
      } else reject(new MillraceError('port-in-use', `the cache cannot listen on ${target}: ${errorMessage(error)}`, { cause: error }));
    });
  });
}

async function endCalls(server: Server, grace: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.tryShutdown(() => resolve(undefined));
  const timer = setTimeout(() => {
    server.forceShutdown();
    resolve(undefined);
  }, grace);
  await promise;
  clearTimeout(timer);
}
