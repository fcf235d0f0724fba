import { openTlsListener } from '../../../libs/access/authentication/certificates/tls-listener.js';
import type { TlsListener } from '../../../libs/access/authentication/certificates/tls-listener.js';
import { createAuthenticator } from '../../../libs/access/authentication/create-authenticator.js';
import type { AuthenticatorOptions } from '../../../libs/access/authentication/create-authenticator.js';
import type { ObservedLogin } from '../../../libs/access/authentication/tell-failed-logins.js';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import type { AccessSettings } from '../../../libs/access/access-settings.js';
import type { Authenticator } from '../../../libs/access/authenticator.js';
import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import type { Authorization } from '../../../libs/access/authorization/authorization.js';
import { errorMessage } from '../../../libs/errors/error-message.js';
import { readSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import type { Settings } from '../../../libs/settings/settings.js';
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
  /** Who is told from now on of every login that is tried, and of what is wrong though it stops nobody. */
  watch(observer: AccessObserver): void;
  /** Tells those who watch of a login that another part of the gateway has tried. */
  readonly told: (login: ObservedLogin) => void;
  close(): Promise<void>;
}

export interface AccessObserver {
  onLogin(login: ObservedLogin): void;
  onProblem(reason: string): void;
}

type AccessOptions = Omit<AuthenticatorOptions, keyof AccessObserver | 'version'> & Pick<Settings, 'accessFile'>;

/** Errors: `invalid-setting`. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { accessFile, composeAuth, environment } = options;
  const settings = accessFile === undefined ? undefined : await readSettingsFile(accessFile, accessSettingsFile);
  const observers: AccessObserver[] = [];
  const observer: AccessObserver = {
    onLogin: (login) => observers.forEach((each) => each.onLogin(login)),
    onProblem: (reason) => observers.forEach((each) => each.onProblem(reason)),
  };
  const files = settings?.authentication.tls;
  const tls = files === undefined ? undefined : await openTlsListener(files, { environment, onProblem: (error) => observer.onProblem(errorMessage(error)) });
  const authenticator = await createAuthenticator(settings?.authentication, { ...options, ...observer, version: gatewayVersion });
  return {
    authenticator,
    authorization: createAuthorization(settings?.authorization),
    settings,
    openComposes: settings === undefined && composeAuth === 'noauth',
    tls,
    told: (login) => observer.onLogin(login),
    watch: (each) => void observers.push(each),
    async close() {
      tls?.close();
      await authenticator.close();
    },
  };
}
