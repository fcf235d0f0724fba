import type { Credentials } from '../../authenticator.js';

/** Of a request from a client that is no front end. */
export function credentials(shown: Partial<Credentials>): Credentials {
  return { authorization: undefined, certificate: undefined, headers: {}, peerAddress: '192.0.2.7', ...shown };
}
