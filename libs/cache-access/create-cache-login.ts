import { createCertificateLogin } from '../access/authentication/certificates/certificate-login.js';
import { networkOf } from '../access/authentication/failed-logins.js';
import { refusedLogin } from '../access/authentication/login-method.js';
import type { Authenticator } from '../access/authenticator.js';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, type MillraceError } from '../errors/millrace-error.js';
import type { CacheCredentials } from './cache-access.js';
import { callerName, isReserved, type CacheIdentity } from './cache-identity.js';
import { createIssuerLogin } from './issuer-login.js';
import type { CacheAccessOptions, CacheAccessSettings, CacheLoginKind } from './cache-access-options.js';
import type { LoginLimit } from './login-limit.js';
import { createSessionLogin } from './session-login.js';
import { readAuthorization, type ShownAuthorization } from './shown-authorization.js';
import { createTokenLogin } from './token-login.js';

export interface CacheLogin {
  /** Errors: `unauthorized`, `identity-unavailable`, `quota-exceeded`, `database-unavailable`. */
  identify(credentials: CacheCredentials): Promise<CacheIdentity>;
  close(): Promise<void>;
}

type Proof = Pick<CacheIdentity, 'name'> & Partial<CacheIdentity>;
type LoginOptions = CacheAccessOptions & { readonly authenticator: Authenticator; readonly now: () => number; readonly limit: LoginLimit };

const outcomes: Readonly<Record<string, 'refused' | 'too-many'>> = { unauthorized: 'refused', 'quota-exceeded': 'too-many' };

/** Ways to be known to the cache alone before Millrace's own: by their form they cannot be taken for one another. */
export function createCacheLogin(settings: CacheAccessSettings, options: LoginOptions): CacheLogin {
  const { authenticator, sessions, now, limit, onLogin = () => undefined } = options;
  const tokenName = createTokenLogin(settings.login.tokens, now);
  const issuers = createIssuerLogin(settings.login.issuers, options);
  const shownSession = createSessionLogin(sessions, now);
  const certificates = createCertificateLogin('subject');
  const sshKeys = new Set(Object.values(settings.instances).flatMap(({ pull, push, admin }) => [...push, ...admin, ...(typeof pull === 'string' ? [] : pull)].flatMap((grant) => grant['ssh-keys'])));

  async function watched(by: CacheLoginKind, peerAddress: string, login: () => Promise<Proof | undefined>): Promise<Proof | undefined> {
    try {
      const proof = await login();
      if (proof !== undefined) onLogin({ by, outcome: 'accepted', reason: undefined, peerAddress });
      return proof;
    } catch (error) {
      if (isMillraceError(error)) onLogin({ by, outcome: outcomes[error.code] ?? 'unavailable', reason: reasonOf(error), peerAddress });
      throw error;
    }
  }

  async function sshProof(sshKey: string): Promise<Proof> {
    if (!sshKeys.has(sshKey)) throw refusedLogin('no grant names the ssh key');
    return { name: callerName.ssh(sshKey), sshKey };
  }

  async function byToken({ secret, user }: ShownAuthorization): Promise<Proof | undefined> {
    const token = tokenName(secret);
    // Beside a token, `Basic` has a user because its clients need one; another token's name there is a mistake.
    if (token === undefined || (user !== undefined && user !== '' && user !== token)) return undefined;
    return { name: callerName.token(token), token };
  }

  async function byClaims({ scheme, secret }: ShownAuthorization): Promise<Proof | undefined> {
    const found = scheme === 'bearer' ? await issuers.login(secret) : undefined;
    return found === undefined ? undefined : { name: found.name, claims: { issuer: found.issuer, values: found.values } };
  }

  async function bySession({ session }: ShownAuthorization): Promise<Proof | undefined> {
    return session === undefined ? undefined : { name: callerName.session(session.id), session: await shownSession(session) };
  }

  /** A token of the file cannot be guessed, and asks nobody; passwords of the control credentials have a limit of their own where they can be guessed. Everything else costs somebody an answer. */
  async function shownProof(credentials: CacheCredentials, authorization: string): Promise<Proof | undefined> {
    const { peerAddress } = credentials;
    const shown = readAuthorization(authorization);
    const token = shown === undefined ? undefined : await watched('token', peerAddress, () => byToken(shown));
    if (token !== undefined) return token;
    if (shown?.scheme !== 'basic' || shown.session !== undefined) await watched(shown?.session === undefined ? 'token' : 'session', peerAddress, async () => void limit.demand({ authorization, peerAddress }));
    const own = shown === undefined ? undefined : ((await watched('claims', peerAddress, () => byClaims(shown))) ?? (await watched('session', peerAddress, () => bySession(shown))));
    return own ?? millraceProof(credentials);
  }

  async function limitedProof(credentials: CacheCredentials, authorization: string): Promise<Proof | undefined> {
    const shown = { authorization, peerAddress: credentials.peerAddress };
    try {
      const proof = await shownProof(credentials, authorization);
      if (proof !== undefined) limit.right(shown);
      return proof;
    } catch (error) {
      if (isMillraceError(error) && error.code === 'unauthorized') limit.wrong(shown);
      throw error;
    }
  }

  async function proofOf(credentials: CacheCredentials): Promise<Proof | undefined> {
    const { sshKey, authorization, peerAddress } = credentials;
    // Clients show all the keys that they have, one after the other.
    if (sshKey !== undefined) return watched('ssh', peerAddress, () => sshProof(sshKey));
    return authorization === undefined ? millraceProof(credentials) : limitedProof(credentials, authorization);
  }

  async function millraceProof(credentials: CacheCredentials): Promise<Proof | undefined> {
    const { authorization, certificate, peerAddress, headers = {} } = credentials;
    const caller = await authenticator.authenticate({ authorization, certificate, headers, peerAddress });
    if (caller !== undefined && caller.principal.by !== 'none') return { name: unreserved(caller.principal.name), principal: caller.principal };
    // Also where everybody may do something unnamed: whoever shows credentials means to be somebody.
    if (authorization !== undefined) throw refusedLogin('the credentials are none that the cache knows');
    const login = await certificates.login({ authorization, certificate, headers, peerAddress });
    return login === undefined ? undefined : { name: unreserved(login.name) };
  }

  return {
    async identify(credentials) {
      const { certificate, peerAddress } = credentials;
      const proof = await proofOf(credentials);
      const subject = certificate?.problem === undefined ? certificate?.subject : undefined;
      const name = proof?.name ?? 'anonymous';
      return { principal: undefined, sshKey: undefined, token: undefined, claims: undefined, session: undefined, ...proof, subject, name, counted: proof === undefined ? `at ${networkOf(peerAddress)}` : name };
    },
    close: () => issuers.close(),
  };
}

function unreserved(name: string): string {
  if (isReserved(name)) throw refusedLogin('the name begins as those of callers of the cache do');
  return name;
}

function reasonOf(error: MillraceError): string {
  return error.cause === undefined ? error.message : errorMessage(error.cause);
}
