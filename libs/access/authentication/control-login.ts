import { MillraceError } from '../../errors/millrace-error.js';
import { basicAuthMatches, controlUser } from './control-credentials.js';
import type { FailedLogins } from './failed-logins.js';
import type { LoginMethod } from './login-method.js';
import { refusedLogin } from './login-method.js';

/** The service's own password has 32 characters. */
const unguessable = 20;

/**
 * The control credentials by HTTP basic. Errors besides: `quota-exceeded`, where the password is one that can be guessed: for others a limit keeps nobody out but whoever has the
 * right one, when a build behind the same address fails on purpose.
 */
export function createControlLogin(controlAuth: string, failures: FailedLogins): LoginMethod {
  const limited = controlAuth.length - controlUser(controlAuth).length - 1 < unguessable;
  return {
    by: 'control',
    challenge: 'Basic realm="millrace", charset="UTF-8"',
    async login({ authorization, peerAddress }) {
      if (schemeOf(authorization) !== 'basic') return undefined;
      if (limited) failures.check(peerAddress);
      if (!basicAuthMatches(authorization, controlAuth)) {
        if (limited) failures.note(peerAddress);
        throw refusedControl();
      }
      return { name: controlUser(controlAuth), groups: [], scopes: undefined };
    },
  };
}

function refusedControl(): MillraceError {
  return new MillraceError('unauthorized', 'the control credentials are wrong', {
    cause: refusedLogin('user or password is wrong').cause,
    suggestion: 'Send them (MILLRACE_CONTROL_AUTH, or control-auth in MILLRACE_HOME) with HTTP basic authentication.',
  });
}

/** Lower case: `basic`, `bearer`, `negotiate`. */
export function schemeOf(authorization: string | undefined): string | undefined {
  return /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s|$)/.exec(authorization ?? '')?.[1]?.toLowerCase();
}

/** What stands behind the scheme. */
export function credentialsOf(authorization: string | undefined): string {
  return (authorization ?? '').trim().replace(/^\S+\s*/, '');
}
