import { credentialsOf, schemeOf } from '../access/authentication/control-login.js';

/** What an `Authorization` says, by its form; nothing of it is believed. */
export interface ShownAuthorization {
  readonly scheme: string | undefined;
  /** Of `Bearer`; of `Basic` the password. */
  readonly secret: string;
  /** Of `Basic`. */
  readonly user: string | undefined;
  /** Of a fetch session: `Basic <id>:<token>`, or `Bearer <id>.<token>` for clients that have a file of one token only. */
  readonly session: { readonly id: string; readonly token: string } | undefined;
}

const longest = 16 * 1024;
const sessionId = /^[0-9a-f]{32}$/;
const sessionBearer = /^([0-9a-f]{32})\.([A-Za-z0-9]{8,64})$/;

/** Undefined: nothing is shown, or nothing that could be credentials. */
export function readAuthorization(authorization: string | undefined): ShownAuthorization | undefined {
  if (authorization === undefined || authorization.length > longest) return undefined;
  const scheme = schemeOf(authorization);
  const text = credentialsOf(authorization);
  if (scheme === 'bearer') {
    const [, id, token] = sessionBearer.exec(text) ?? [];
    return { scheme, secret: text, user: undefined, session: id === undefined || token === undefined ? undefined : { id, token } };
  }
  if (scheme !== 'basic') return { scheme, secret: '', user: undefined, session: undefined };
  const [user, secret] = pairOf(text);
  return { scheme, secret, user, session: sessionId.test(user) ? { id: user, token: secret } : undefined };
}

function pairOf(text: string): readonly [string, string] {
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(text)) return ['', ''];
  const pair = Buffer.from(text, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? ['', ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
}
