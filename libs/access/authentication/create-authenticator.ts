import { errorMessage } from '../../errors/error-message.js';
import type { ErrorCode, MillraceError } from '../../errors/millrace-error.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { Environment, Settings } from '../../settings/settings.js';
import type { AuthenticatedCaller, Authenticator, Credentials } from '../authenticator.js';
import type { Principal } from '../principal.js';
import type { AuthenticationSettings } from './authentication-schema.js';
import { backendName } from './backend-name.js';
import { createCertificateLogin } from './certificates/certificate-login.js';
import { controlUser } from './control-credentials.js';
import { createControlLogin } from './control-login.js';
import { createFailedLogins, defaultFailuresPerMinute, type FailedLogins } from './failed-logins.js';
import { createFrontEndLogin, type FrontEndLogin } from './front-end/front-end-login.js';
import { createKerberosLogin } from './kerberos/kerberos-login.js';
import { openAcceptor } from './kerberos/open-acceptor.js';
import { createLdapGroups } from './ldap/ldap-groups.js';
import type { LoginMethod } from './login-method.js';
import { checkedName, groupNames } from './login-method.js';
import { createBearerLogin } from './openid-connect/bearer-login.js';
import { createJsonRequests } from './openid-connect/json-requests.js';

export interface AuthenticatorOptions extends Pick<Settings, 'controlAuth' | 'composeAuth' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa' | 'forbiddenPorts'> {
  /** Of Millrace; identity providers see it as `millrace/<version>`. */
  readonly version: string;
  /** For secrets that the settings name by a variable, and for Kerberos. */
  readonly environment: Environment;
  /** Whether another listener than the gateway's verifies certificates of clients. */
  readonly certificates?: boolean;
  /** Of every login that was tried: for metrics and the log. */
  readonly onLogin?: (login: TriedLogin) => void;
  /** Of what is wrong, but stops nobody from logging in. */
  readonly onProblem?: (reason: string) => void;
  /** Milliseconds since any moment; the clock of the process when not given. */
  readonly now?: () => number;
}

export interface TriedLogin {
  readonly by: LoginMethod['by'];
  readonly outcome: 'accepted' | 'refused' | 'unavailable' | 'too-many';
  /** Why it was not accepted; holds nothing of the credentials. */
  readonly reason: string | undefined;
  readonly peerAddress: string;
}

const anonymous: AuthenticatedCaller = { principal: { name: 'unknown', groups: [], by: 'none', scopes: undefined } };
const outcomes: Readonly<Partial<Record<ErrorCode, TriedLogin['outcome']>>> = { unauthorized: 'refused', 'quota-exceeded': 'too-many' };

/**
 * Without settings, the control credentials count, and whoever shows nothing is let through as `unknown` where composes are made for everybody: what else
 * they may do is for the authorisation to say. Errors: `invalid-setting`.
 */
export async function createAuthenticator(settings: AuthenticationSettings | undefined, options: AuthenticatorOptions): Promise<Authenticator> {
  const { environment, onLogin = () => undefined, onProblem = () => undefined } = options;
  const { methods, frontEnd } = await openMethods(settings, options);
  const ldap = settings?.['ldap-groups'];
  const directory = ldap === undefined ? undefined : createLdapGroups(ldap, { environment, onUnavailable: onProblem });
  const controlName = settings?.control === false ? undefined : controlUser(options.controlAuth);
  const nobodyMayAsk = settings === undefined ? options.composeAuth === 'noauth' : settings.anonymous;

  async function watched<Result>(by: LoginMethod['by'], { peerAddress }: Credentials, login: () => Promise<Result | undefined>): Promise<Result | undefined> {
    try {
      const result = await login();
      if (result !== undefined) onLogin({ by, outcome: 'accepted', reason: undefined, peerAddress });
      return result;
    } catch (error) {
      if (isMillraceError(error)) onLogin({ by, outcome: outcomes[error.code] ?? 'unavailable', reason: reasonOf(error), peerAddress });
      throw error;
    }
  }

  async function callerBy(method: LoginMethod, credentials: Credentials): Promise<AuthenticatedCaller | undefined> {
    const login = await method.login(credentials);
    if (login === undefined) return undefined;
    const name = checkedName(login.name, method.by === 'control' ? undefined : controlName);
    const found = ldap?.for.some((by) => by === method.by) === true ? await directory?.groupsOf(name) : undefined;
    const principal: Principal = { name, groups: groupNames([...login.groups, ...(found ?? [])]), by: method.by, scopes: login.scopes };
    return { principal, ...(login.reply === undefined ? {} : { reply: login.reply }) };
  }

  return {
    async authenticate(credentials) {
      for (const method of methods) {
        const caller = await watched(method.by, credentials, () => callerBy(method, credentials));
        if (caller !== undefined) return caller;
      }
      await watched('front-end', credentials, async () => frontEnd?.refuseImpostor(credentials));
      return nobodyMayAsk ? anonymous : undefined;
    },
    challenges: methods.flatMap(({ challenge }) => challenge ?? []),
    backend: backendName(settings, nobodyMayAsk),
    close: async () => void (await Promise.all([...methods.map((method) => method.close?.()), directory?.close()])),
  };
}

/**
 * In the order in which they are asked: the first that finds something of its kind decides. What a front end says counts before what it passes on of its
 * client, and what a request carries before the connection that it came by.
 */
async function openMethods(settings: AuthenticationSettings | undefined, options: AuthenticatorOptions): Promise<{ readonly methods: readonly LoginMethod[]; readonly frontEnd: FrontEndLogin | undefined }> {
  const { controlAuth, environment, now = () => performance.now() } = options;
  const failedLogins = (): FailedLogins => createFailedLogins({ perMinute: settings?.['failed-logins-per-minute'] ?? defaultFailuresPerMinute, now });
  const { 'front-end': front, 'openid-connect': openid, kerberos, tls } = settings ?? {};
  const frontEnd = front === undefined ? undefined : await createFrontEndLogin(front, environment);
  const methods: LoginMethod[] = frontEnd === undefined ? [] : [frontEnd];
  if (kerberos !== undefined) methods.push(createKerberosLogin(kerberos, await openAcceptor(kerberos, { environment })));
  if (openid !== undefined) {
    const requests = createJsonRequests({ ...options, timeoutMilliseconds: openid['timeout-seconds'] * 1000, caFile: openid['ca-file'] });
    methods.push(createBearerLogin(openid, { environment, requests, failures: failedLogins(), now }));
  }
  if (settings?.control !== false) methods.push(createControlLogin(controlAuth, failedLogins()));
  if (options.certificates === true || tls?.['client-certificates'] === 'optional') methods.push(createCertificateLogin(settings?.['certificate-name'] ?? 'subject'));
  return { methods, frontEnd };
}

function reasonOf(error: MillraceError): string {
  return error.cause === undefined ? error.message : errorMessage(error.cause);
}
