import type { Credentials } from '../../authenticator.js';
import type { AuthenticatorOptions } from '../create-authenticator.js';

/** Of a request from a client that is no front end. */
export function credentials(shown: Partial<Credentials>): Credentials {
  return { authorization: undefined, certificate: undefined, headers: {}, peerAddress: '192.0.2.7', ...shown };
}

export function authenticatorOptions(changes: Partial<AuthenticatorOptions> = {}): AuthenticatorOptions {
  return { controlAuth: 'craft:craft', composeAuth: 'basic', upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined, forbiddenPorts: [], version: '0', environment: {}, ...changes };
}
