import { LRUCache } from 'lru-cache';
import { refusedLogin } from '../access/authentication/login-method.js';
import { tokenSha256 } from '../session/session-credentials.js';
import type { ShownSession } from './cache-identity.js';

/** Sessions of the record. */
export interface SessionTokens {
  /** Of an open session that has not run out, whose token this is; constant-time. Errors: `database-unavailable`. */
  check(sessionId: string, token: string): Promise<{ readonly owner: string } | undefined>;
}

/** Milliseconds that an open session is believed to be open still. */
export const sessionBelievedFor = 1000;
const remembered = 10_000;

/** The credentials of a fetch session, as a build has them. Errors: `unauthorized`, `database-unavailable`. */
export function createSessionLogin(sessions: SessionTokens, now: () => number): (shown: { readonly id: string; readonly token: string }) => Promise<ShownSession> {
  const answers = new LRUCache<string, { readonly answer: Promise<ShownSession>; readonly at: number }>({ max: remembered });

  async function ask(id: string, token: string): Promise<ShownSession> {
    const found = await sessions.check(id, token);
    if (found === undefined) throw refusedLogin('the session is unknown or closed, or its token is wrong');
    return { id, owner: found.owner };
  }

  return ({ id, token }) => {
    const key = `${id} ${tokenSha256(token)}`;
    const known = answers.get(key);
    if (known !== undefined && now() - known.at < sessionBelievedFor) return known.answer;
    const answer = ask(id, token);
    answers.set(key, { answer, at: now() });
    answer.catch(() => answers.delete(key));
    return answer;
  };
}
