import { ruleOwner } from '../../compose-rules/rule-cause.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Credentials } from '../authenticator.js';
import type { Principal } from '../principal.js';

/** One way to show who one is. */
export interface LoginMethod {
  readonly by: Exclude<Principal['by'], 'none'>;
  /** Of its `WWW-Authenticate`; undefined where there is none, as of certificates. */
  readonly challenge?: string;
  /** Undefined: nothing of its kind is shown. Errors: `unauthorized`, `identity-unavailable`. */
  login(credentials: Credentials): Promise<Login | undefined>;
  close?(): Promise<void>;
}

export interface Login {
  readonly name: string;
  readonly groups: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly reply?: string;
}

/** `reason` is for the log of the service: it never holds anything that was shown. */
export function refusedLogin(reason: string, cause?: unknown): MillraceError {
  return new MillraceError('unauthorized', 'the credentials are wrong or expired', {
    cause: new Error(reason, cause === undefined ? {} : { cause }),
    suggestion: 'Log in anew; docs/reference/access.md says how. The log of the gateway has the reason.',
  });
}

/** Names that the record gives to whoever did not say who they are. */
const nobody: ReadonlySet<string> = new Set(['unknown', 'anonymous']);
const nameLimit = 512;

/**
 * Names become owners in the record, lines in logs and pages: no control characters, nothing that looks like another name, and no name of those who are no users. Whoever a
 * provider calls so would own what rules and the control credentials (`controlName`) have asked for.
 */
export function checkedName(name: string, controlName?: string): string {
  if (name.length === 0 || name.length > nameLimit || name !== name.trim() || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(name)) throw refusedLogin('the name is empty, longer than 512 characters or has control characters or outer spaces');
  if (nobody.has(name.toLowerCase())) throw refusedLogin('the name is one of those that stand for nobody');
  if (name.startsWith(ruleOwner(''))) throw refusedLogin('the name is one of those that rules have');
  if (name === controlName) throw refusedLogin('the name is that of the control credentials');
  return name;
}

/** Without repetition, and without those that cannot be names of groups. */
export function groupNames(given: readonly unknown[]): readonly string[] {
  const names = given.filter((group): group is string => typeof group === 'string' && group !== '' && group.length <= nameLimit);
  return [...new Set(names)].slice(0, groupLimit);
}

/** Tokens and directories are others' bytes. */
const groupLimit = 5000;
