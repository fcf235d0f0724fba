import { createAuthenticator } from '../../../libs/access/authentication/create-authenticator.js';
import type { TriedLogin } from '../../../libs/access/authentication/create-authenticator.js';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import type { AccessSettings } from '../../../libs/access/access-settings.js';
import type { Authenticator } from '../../../libs/access/authenticator.js';
import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import type { Authorization } from '../../../libs/access/authorization/authorization.js';
import { readSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';

/** Who callers are, and what they may do. */
export interface Access {
  readonly authenticator: Authenticator;
  readonly authorization: Authorization;
  /** Of `MILLRACE_ACCESS`; undefined: there is no such file. */
  readonly settings: AccessSettings | undefined;
  /** Whether composes are made for everybody whatever they show, as without the file and in ODCS's NoAuth mode. */
  readonly openComposes: boolean;
  /** Told of every login that is tried from now on. */
  watchLogins(listener: (login: TriedLogin) => void): void;
}

/** Errors: `invalid-setting`. */
export async function openAccess(settings: Pick<Settings, 'accessFile' | 'controlAuth' | 'composeAuth'>, environment: Environment): Promise<Access> {
  const { accessFile, controlAuth, composeAuth } = settings;
  const access = accessFile === undefined ? undefined : await readSettingsFile(accessFile, accessSettingsFile);
  const listeners: ((login: TriedLogin) => void)[] = [];
  const onLogin = (login: TriedLogin): void => listeners.forEach((listener) => listener(login));
  return {
    authenticator: await createAuthenticator(access?.authentication, { controlAuth, composeAuth, environment, onLogin }),
    authorization: createAuthorization(access?.authorization),
    settings: access,
    openComposes: access === undefined && composeAuth === 'noauth',
    watchLogins: (listener) => void listeners.push(listener),
  };
}
