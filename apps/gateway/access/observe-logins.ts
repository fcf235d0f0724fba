import type { Logger } from 'pino';
import { tellFailedLogins, type ObservedLogin } from '../../../libs/access/authentication/tell-failed-logins.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';

/** Counts logins, and tells the log of those that failed: what was shown stays out of both. `now` in milliseconds. */
export function observeLogins(metrics: Pick<GatewayMetrics, 'logins'>, log: Pick<Logger, 'warn'>, now?: () => number): (login: ObservedLogin) => void {
  const tell = tellFailedLogins(log, now);
  return (login) => {
    metrics.logins.inc({ by: login.by, outcome: login.outcome });
    tell(login);
  };
}
