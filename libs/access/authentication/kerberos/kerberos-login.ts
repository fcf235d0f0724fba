import { MillraceError } from '../../../errors/millrace-error.js';
import { credentialsOf, schemeOf } from '../control-login.js';
import type { LoginMethod } from '../login-method.js';
import { refusedLogin } from '../login-method.js';
import type { KerberosSettings } from './kerberos-schema.js';
import { type Acceptor, type AcceptedToken, Refused, Unanswered } from './open-acceptor.js';

const tokenLimit = 64 * 1024;

/** Kerberos by SPNEGO, in one step: callers show a ticket, and get the proof that this is the service it is for. */
export function createKerberosLogin(settings: KerberosSettings, acceptor: Acceptor): LoginMethod {
  async function accepted(token: string): Promise<AcceptedToken> {
    try {
      return await acceptor.accept(token);
    } catch (error) {
      if (error instanceof Refused) throw refusedLogin(`GSSAPI refuses the ticket: ${plain(error.message)}`);
      if (!(error instanceof Unanswered)) throw error;
      throw new MillraceError('identity-unavailable', 'tickets cannot be verified at the moment', { cause: error, suggestion: 'Try again in a moment.' });
    }
  }

  return {
    by: 'kerberos',
    challenge: 'Negotiate',
    async login({ authorization }) {
      if (schemeOf(authorization) !== 'negotiate') return undefined;
      const token = credentialsOf(authorization);
      if (token.length > tokenLimit || token.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(token)) throw refusedLogin('what was sent is no ticket in base64');
      const { name, service, reply } = await accepted(token);
      checkService(service, settings);
      return { name: callerName(name, settings), groups: [], scopes: undefined, ...(reply === undefined ? {} : { reply: `Negotiate ${reply}` }) };
    },
    close: () => acceptor.close(),
  };
}

/** A ticket for another service of this machine is no ticket for this one, although its key may be in the same keytab. */
function checkService(service: string, { services }: KerberosSettings): void {
  const [principal] = splitRealm(service);
  if (services === undefined ? principal.startsWith('HTTP/') : services.includes(principal)) return;
  throw refusedLogin(`the ticket is for ${plain(service)}`);
}

export function callerName(principal: string, settings: Pick<KerberosSettings, 'realm' | 'other-realms'>): string {
  const [name, realm] = splitRealm(principal);
  if (name.startsWith('WELLKNOWN/')) throw refusedLogin('the ticket is of an anonymous principal');
  if (realm === settings.realm) return name;
  if (settings['other-realms'].includes(realm)) return `${name}@${realm}`;
  throw refusedLogin(`the ticket is of the realm ${plain(realm)}`);
}

/** An @ in a name has a backslash before it. */
function splitRealm(principal: string): readonly [name: string, realm: string] {
  const parts = /^((?:\\.|[^\\@])+)@((?:\\.|[^\\@])+)$/s.exec(principal);
  if (parts === null) throw refusedLogin('the principal has no realm');
  return [parts[1] ?? '', parts[2] ?? ''];
}

function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}
