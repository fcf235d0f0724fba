import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { isServing, type CacheState } from '../server/watch-health.js';

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly registry: Registry;
  readonly state: () => Promise<CacheState>;
}

const mostConnections = 64;
const text = 'text/plain; charset=utf-8';

/** `/metrics`, `/healthz` and `/readyz` for whoever reaches the port. Errors: `port-in-use`. */
export async function serveMetrics({ host, port, registry, state }: MetricsOptions): Promise<MetricsServer> {
  async function answer(path: string): Promise<Parameters<typeof send>[1]> {
    if (path === '/healthz') return { code: 200, type: text, body: 'ok\n' };
    if (path === '/metrics') return { code: 200, type: registry.contentType, body: await registry.metrics() };
    if (path !== '/readyz') return { code: 404, type: text, body: '404 Not Found: here are /metrics, /healthz and /readyz\n' };
    const { database, store } = await state();
    const ready = isServing({ database, store });
    return { code: ready ? 200 : 503, type: 'application/json', body: `${JSON.stringify({ ready, database: database ? 'ok' : 'away', store: store ? 'ok' : 'away' })}\n` };
  }

  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 30_000 }, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, { code: 405, type: text, body: '405 Method Not Allowed\n' });
    answer((request.url ?? '').split('?')[0] ?? '').then(
      (answered) => send(response, answered),
      () => send(response, { code: 500, type: text, body: '500 Internal Server Error\n' }),
    );
  });
  server.maxConnections = mostConnections;
  server.listen(port, host);
  await once(server, 'listening').catch((cause: unknown) => {
    throw new MillraceError('port-in-use', `the cache cannot show its metrics on ${host}:${port}: ${errorMessage(cause)}`, { cause, suggestion: 'Choose another port with MILLRACE_CACHE_METRICS_PORT: each cache process on a machine needs its own.' });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, { code, type, body }: { readonly code: number; readonly type: string; readonly body: string }): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) }).end(body);
}
