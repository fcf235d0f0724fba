import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Credentials } from '../authenticator.js';
import { shownCertificate } from './certificates/shown-certificate.js';

/** What a request of the gateway shows, whatever it is worth. */
export function readCredentials(request: Pick<IncomingMessage, 'headersDistinct' | 'socket'>): Credentials {
  const { headersDistinct: headers, socket } = request;
  return {
    // Two of them are no credentials of any scheme.
    authorization: headers['authorization']?.join(', '),
    certificate: socket instanceof TLSSocket ? shownCertificate(socket) : undefined,
    headers,
    peerAddress: socket.remoteAddress ?? '',
  };
}
