import { errorMessage } from '../../errors/error-message.js';
import type { ErrorCode, MillraceError } from '../../errors/millrace-error.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { Environment, Settings } from '../../settings/settings.js';
import type { AuthenticatedCaller, Authenticator, Credentials } from '../authenticator.js';
import type { Principal } from '../principal.js';
import type { AuthenticationSettings } from './authentication-schema.js';
import { backendName } from './backend-name.js';
import { createControlLogin } from './control-login.js';
import { createFailedLogins, type FailedLogins } from './failed-logins.js';
import type { Login, LoginMethod } from './login-method.js';
import { checkedName } from './login-method.js';
import { createBearerLogin } from './openid-connect/bearer-login.js';
import { createJsonRequests } from './openid-connect/json-requests.js';

export interface AuthenticatorOptions extends Pick<Settings, 'controlAuth' | 'composeAuth' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa' | 'forbiddenPorts'> {
  /** Of Millrace; identity providers see it as `millrace/<version>`. */
  readonly version: string;
  /** For secrets that the settings name by a variable, and for Kerberos. */
  readonly environment: Environment;
  /** Of every login that was tried: for metrics and the log. */
  readonly onLogin?: (login: TriedLogin) => void;
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
const defaultFailuresPerMinute = 60;
const outcomes: Readonly<Partial<Record<ErrorCode, TriedLogin['outcome']>>> = { unauthorized: 'refused', 'quota-exceeded': 'too-many' };

/**
 * Without settings, the control credentials count, and whoever shows nothing is let through as `unknown` where composes are made for everybody: what else
 * they may do is for the authorisation to say. Errors: `invalid-setting`.
 */
export async function createAuthenticator(settings: AuthenticationSettings | undefined, options: AuthenticatorOptions): Promise<Authenticator> {
  const methods = await openMethods(settings, options);
  const { onLogin = () => undefined } = options;
  const nobodyMayAsk = settings === undefined ? options.composeAuth === 'noauth' : settings.anonymous;

  async function attempt(method: LoginMethod, credentials: Credentials): Promise<Login | undefined> {
    const { peerAddress } = credentials;
    const tried = (outcome: TriedLogin['outcome'], reason?: string): void => onLogin({ by: method.by, outcome, reason, peerAddress });
    try {
      const login = await method.login(credentials);
      if (login === undefined) return undefined;
      const named = { ...login, name: checkedName(login.name) };
      tried('accepted');
      return named;
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      tried(outcomes[error.code] ?? 'unavailable', reasonOf(error));
      throw error;
    }
  }

  return {
    async authenticate(credentials) {
      for (const method of methods) {
        const login = await attempt(method, credentials);
        if (login !== undefined) return { principal: principalOf(method, login), ...(login.reply === undefined ? {} : { reply: login.reply }) };
      }
      return nobodyMayAsk ? anonymous : undefined;
    },
    challenges: methods.flatMap(({ challenge }) => challenge ?? []),
    backend: backendName(settings, nobodyMayAsk),
    close: async () => void (await Promise.all(methods.map((method) => method.close?.()))),
  };
}

/** In the order in which they are asked: the first that finds something of its kind decides. */
async function openMethods(settings: AuthenticationSettings | undefined, options: AuthenticatorOptions): Promise<readonly LoginMethod[]> {
  const { controlAuth, environment, now = () => performance.now() } = options;
  const failedLogins = (): FailedLogins => createFailedLogins({ perMinute: settings?.['failed-logins-per-minute'] ?? defaultFailuresPerMinute, now });
  const methods: LoginMethod[] = [];
  if (settings?.control !== false) methods.push(createControlLogin(controlAuth, failedLogins()));
  const openid = settings?.['openid-connect'];
  if (openid !== undefined) {
    const requests = createJsonRequests({ ...options, timeoutMilliseconds: openid['timeout-seconds'] * 1000, caFile: openid['ca-file'] });
    methods.push(createBearerLogin(openid, { environment, requests, failures: failedLogins(), now }));
  }
  return methods;
}

function principalOf({ by }: LoginMethod, { name, groups, scopes }: Login): Principal {
  return { name, groups, by, scopes };
}

function reasonOf(error: MillraceError): string {
  return error.cause === undefined ? error.message : errorMessage(error.cause);
}
