import type { TriedLogin } from './create-authenticator.js';

/** By ways of the service, or those of one part of it: `session`, `token`. */
export type ObservedLogin = Omit<TriedLogin, 'by'> & { readonly by: string };

const minute = 60_000;
/** Whoever fails on purpose, again and again, shall not fill the disk. */
const linesPerMinute = 600;

/** Tells the log of logins that failed: what was shown stays out of it. `now` in milliseconds. */
export function tellFailedLogins(log: { warn(fields: object, text: string): void }, now: () => number = () => performance.now()): (login: ObservedLogin) => void {
  let since = now();
  let failures = 0;

  return ({ by, outcome, reason, peerAddress }) => {
    if (outcome === 'accepted') return;
    if (now() - since >= minute) {
      if (failures > linesPerMinute) log.warn({ failures: failures - linesPerMinute }, 'more logins failed than the log tells of');
      [since, failures] = [now(), 0];
    }
    failures += 1;
    if (failures <= linesPerMinute) log.warn({ by, outcome, reason, peerAddress }, 'login failed');
  };
}
