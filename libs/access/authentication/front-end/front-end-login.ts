import { compileCidrs, contains, unmapAddress } from '../../../proxy/upstream/special-addresses.js';
import { readSecret } from '../../../settings-file/read-secret.js';
import type { Environment } from '../../../settings/settings.js';
import type { Credentials } from '../../authenticator.js';
import { equalSecrets } from '../control-credentials.js';
import type { Login, LoginMethod } from '../login-method.js';
import { groupNames, refusedLogin } from '../login-method.js';
import type { FrontEndSettings } from './front-end-schema.js';

export interface FrontEndLogin extends LoginMethod {
  /** Whether a request that shows nothing else has headers that only the front end may send. Errors: `unauthorized`. */
  refuseImpostor(credentials: Credentials): void;
}

/** A proxy in front that has authenticated the caller, and says so in headers. Errors: `invalid-setting`. */
export async function createFrontEndLogin(settings: FrontEndSettings, environment: Environment): Promise<FrontEndLogin> {
  const trusted = compileCidrs(settings.addresses);
  const secret = settings.secret === undefined ? undefined : await readSecret(settings.secret, environment);
  const identities = [settings['user-header'], settings['certificate-subject-header']].filter((name) => name !== undefined);

  function isFrontEnd({ peerAddress, headers }: Credentials): boolean {
    if (peerAddress === '' || !contains(trusted, unmapAddress(peerAddress.replace(/%.*$/, '')))) return false;
    return secret === undefined || equalSecrets(onlyValue(headers, settings['secret-header'], false) ?? '', secret);
  }

  return {
    by: 'front-end',
    async login(credentials) {
      if (!isFrontEnd(credentials)) return undefined;
      const { headers } = credentials;
      const user = onlyValue(headers, settings['user-header']);
      if (user !== undefined) return { name: withoutRealm(user, settings.realm), groups: listed(headers, settings['groups-header'], settings['groups-separator']), scopes: scopesOf(headers, settings['scopes-header']) };
      return certificateLogin(headers, settings);
    },
    refuseImpostor({ headers, peerAddress }) {
      const shown = identities.find((name) => headers[name] !== undefined);
      if (shown !== undefined && onlyValue(headers, shown, false) !== undefined) throw refusedLogin(`the header field ${shown} came from ${peerAddress}, which is not the front end`);
    },
  };
}

function certificateLogin(headers: Credentials['headers'], settings: FrontEndSettings): Login | undefined {
  const subject = onlyValue(headers, settings['certificate-subject-header']);
  const verified = onlyValue(headers, settings['certificate-verify-header']);
  if (subject === undefined || verified === 'NONE') return undefined;
  if (verified !== 'SUCCESS') throw refusedLogin('the front end has not verified the certificate');
  return { name: subject, groups: [], scopes: undefined };
}

/** Of a field that the front end sets once: one that came through it beside its own is an attack. */
function onlyValue(headers: Credentials['headers'], name: string | undefined, strict = true): string | undefined {
  const values = name === undefined ? [] : [headers[name] ?? []].flat();
  if (strict && values.length > 1) throw refusedLogin(`the header field ${name} came more than once`);
  const value = decoded(trimmed(values.join(', ')));
  // Apache writes this for a variable that is not set.
  return value === '' || value === '(null)' ? undefined : value;
}

/** Blanks and tabs only: to a directory, a name with another space at its end is another name. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && /[ \t]/.test(text.charAt(start))) start += 1;
  while (end > start && /[ \t]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Servers write names in UTF-8, which Node gives as one character for each byte. */
function decoded(value: string): string {
  if (/[^\0-\xff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function listed(headers: Credentials['headers'], name: string | undefined, separator: string): readonly string[] {
  return groupNames((onlyValue(headers, name) ?? '').split(separator).map(trimmed));
}

function scopesOf(headers: Credentials['headers'], name: string | undefined): readonly string[] | undefined {
  return name === undefined ? undefined : listed(headers, name, ' ');
}

export function withoutRealm(name: string, realm: string | undefined): string {
  return realm !== undefined && name.endsWith(`@${realm}`) ? name.slice(0, -realm.length - 1) : name;
}
