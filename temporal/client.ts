import { Client, Connection } from '@temporalio/client';
import { MillraceError } from '../libs/errors/millrace-error.js';
import type { Settings } from '../libs/settings/settings.js';

/** gRPC waits up to two minutes between attempts by default; a Temporal that is back should be noticed at once. Milliseconds. */
const reconnectBackoff = { 'grpc.initial_reconnect_backoff_ms': 250, 'grpc.min_reconnect_backoff_ms': 250, 'grpc.max_reconnect_backoff_ms': 2000 };

/**
 * Returns at once and connects with the first call; a connection that broke comes back by itself, so one client serves the
 * whole life of a process. Close it with `client.connection.close()`. Errors: `invalid-setting` without an address.
 */
export function connectTemporal(settings: Pick<Settings, 'temporalAddress' | 'temporalNamespace'>): Client {
  if (settings.temporalAddress === undefined) {
    throw new MillraceError('invalid-setting', 'MILLRACE_TEMPORAL_ADDRESS is not set', { suggestion: 'Set it to host:port of a Temporal server, or use npm start.' });
  }
  // No retry interceptor: callers have a deadline and another way (the outbox, the next round), and a retry whose timer fires
  // after `close` would throw where nobody can catch it.
  const connection = Connection.lazy({ address: settings.temporalAddress, channelArgs: reconnectBackoff, interceptors: [] });
  return new Client({ connection, namespace: settings.temporalNamespace });
}
