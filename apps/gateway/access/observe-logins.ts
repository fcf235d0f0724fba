import type { Logger } from 'pino';
import type { TriedLogin } from '../../../libs/access/authentication/create-authenticator.js';
import type { GatewayMetrics } from '../metrics/gateway-metrics.js';

const minute = 60_000;
/** Whoever fails on purpose, again and again, shall not fill the disk. */
const linesPerMinute = 600;

/** Counts logins, and tells the log of those that failed: what was shown stays out of both. `now` in milliseconds. */
export function observeLogins(metrics: Pick<GatewayMetrics, 'logins'>, log: Pick<Logger, 'warn'>, now: () => number = () => performance.now()): (login: TriedLogin) => void {
  let since = now();
  let failures = 0;

  return ({ by, outcome, reason, peerAddress }) => {
    metrics.logins.inc({ by, outcome });
    if (outcome === 'accepted') return;
    if (now() - since >= minute) {
      if (failures > linesPerMinute) log.warn({ failures: failures - linesPerMinute }, 'more logins failed than the log tells of');
      [since, failures] = [now(), 0];
    }
    failures += 1;
    if (failures <= linesPerMinute) log.warn({ by, outcome, reason, peerAddress }, 'login failed');
  };
}
