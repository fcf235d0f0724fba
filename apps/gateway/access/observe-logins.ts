import type { Logger } from 'pino';
import type { TriedLogin } from '../../../libs/access/authentication/create-authenticator.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';

/** Counts logins, and tells the log of those that failed: what was shown stays out of both. */
export function observeLogins(metrics: Pick<GatewayMetrics, 'logins'>, log: Logger): (login: TriedLogin) => void {
  return ({ by, outcome, reason, peerAddress }) => {
    metrics.logins.inc({ by, outcome });
    if (outcome === 'accepted') return;
    log.warn({ by, outcome, reason, peerAddress }, 'login failed');
  };
}
