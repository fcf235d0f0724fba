import { openTlsListener } from '../../../libs/access/authentication/certificates/tls-listener.js';
import type { TlsListener } from '../../../libs/access/authentication/certificates/tls-listener.js';
import { createAuthenticator } from '../../../libs/access/authentication/create-authenticator.js';
import type { TriedLogin } from '../../../libs/access/authentication/create-authenticator.js';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import type { AccessSettings } from '../../../libs/access/access-settings.js';
import type { Authenticator } from '../../../libs/access/authenticator.js';
import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import type { Authorization } from '../../../libs/access/authorization/authorization.js';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { readSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';
import { gatewayVersion } from '../gateway-version.js';

/** Who callers are, and what they may do. */
export interface Access {
  readonly authenticator: Authenticator;
  readonly authorization: Authorization;
  /** Of `MILLRACE_ACCESS`; undefined: there is no such file. */
  readonly settings: AccessSettings | undefined;
  /** Whether composes are made for everybody whatever they show, as without the file and in ODCS's NoAuth mode. */
  readonly openComposes: boolean;
  /** Of the gateway's own port; undefined: HTTP in the clear. */
  readonly tls: TlsListener | undefined;
  /** Told of every login that is tried from now on, and of what is wrong but stops nobody. */
  watchLogins(listener: LoginListener): void;
  close(): Promise<void>;
}

export interface LoginListener {
  tried(login: TriedLogin): void;
  problem(reason: string): void;
}

type AccessEnvironment = Pick<Settings, 'accessFile' | 'controlAuth' | 'composeAuth' | 'upstreamProxy' | 'upstreamNoProxy' | 'upstreamCa' | 'forbiddenPorts'>;

/** Errors: `invalid-setting`. */
export async function openAccess(settings: AccessEnvironment, environment: Environment): Promise<Access> {
  const { accessFile, composeAuth } = settings;
  const access = accessFile === undefined ? undefined : await readSettingsFile(accessFile, accessSettingsFile);
  const listeners: LoginListener[] = [];
  const onLogin = (login: TriedLogin): void => listeners.forEach((listener) => listener.tried(login));
  const onProblem = (reason: string): void => listeners.forEach((listener) => listener.problem(reason));
  const files = access?.authentication.tls;
  const tls = files === undefined ? undefined : await openTlsListener(files, { environment, onProblem: (error) => onProblem(errorMessage(error)) });
  const authenticator = await createAuthenticator(access?.authentication, { ...settings, version: gatewayVersion, environment, onLogin, onProblem });
  return {
    authenticator,
    authorization: createAuthorization(access?.authorization),
    settings: access,
    openComposes: access === undefined && composeAuth === 'noauth',
    tls,
    watchLogins: (listener) => void listeners.push(listener),
    async close() {
      tls?.close();
      await authenticator.close();
    },
  };
}
