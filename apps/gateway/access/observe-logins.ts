import type { Logger } from 'pino';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';
import type { LoginListener } from './open-access.js';

/** Counts logins, and tells the log of those that failed: what was shown stays out of both. */
export function observeLogins(metrics: Pick<GatewayMetrics, 'logins'>, log: Logger): LoginListener {
  return {
    tried({ by, outcome, reason, peerAddress }) {
      metrics.logins.inc({ by, outcome });
      if (outcome !== 'accepted') log.warn({ by, outcome, reason, peerAddress }, 'login failed');
    },
    problem: (reason) => log.warn({ reason }, 'access'),
  };
}
