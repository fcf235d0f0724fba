import { createAuthenticator } from '../../../libs/access/authentication/create-authenticator.js';
import type { AuthenticatorOptions, TriedLogin } from '../../../libs/access/authentication/create-authenticator.js';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import type { AccessSettings } from '../../../libs/access/access-settings.js';
import type { Authenticator } from '../../../libs/access/authenticator.js';
import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import type { Authorization } from '../../../libs/access/authorization/authorization.js';
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
  /** Who is told from now on of every login that is tried, and of what is wrong though it stops nobody. */
  watch(observer: AccessObserver): void;
}

export interface AccessObserver {
  onLogin(login: TriedLogin): void;
  onProblem(reason: string): void;
}

type AccessOptions = Omit<AuthenticatorOptions, keyof AccessObserver | 'version'> & Pick<Settings, 'accessFile'>;

/** Errors: `invalid-setting`. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { accessFile, composeAuth } = options;
  const settings = accessFile === undefined ? undefined : await readSettingsFile(accessFile, accessSettingsFile);
  const observers: AccessObserver[] = [];
  const observer: AccessObserver = {
    onLogin: (login) => observers.forEach((each) => each.onLogin(login)),
    onProblem: (reason) => observers.forEach((each) => each.onProblem(reason)),
  };
  return {
    authenticator: await createAuthenticator(settings?.authentication, { ...options, ...observer, version: gatewayVersion }),
    authorization: createAuthorization(settings?.authorization),
    settings,
    openComposes: settings === undefined && composeAuth === 'noauth',
    watch: (each) => void observers.push(each),
  };
}
