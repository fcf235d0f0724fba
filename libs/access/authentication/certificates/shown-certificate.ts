import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../authenticator.js';
import { distinguishedName } from './subject-name.js';

const known = new WeakMap<TLSSocket, ClientCertificate | 'none'>();
const outdated = new WeakSet<TLSSocket>();

/** The certificate that the client of a connection has shown; read once a connection. */
export function shownCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const shown = known.get(socket) ?? read(socket);
  known.set(socket, shown);
  if (shown === 'none') return undefined;
  return outdated.has(socket) ? { ...shown, problem: 'authorities or revocation lists have changed since the connection was made' } : shown;
}

/** What was verified by lists that have been replaced proves nothing any more: the client has to connect anew. */
export function mistrustConnection(socket: TLSSocket): void {
  outdated.add(socket);
}

function read(socket: TLSSocket): ClientCertificate | 'none' {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'none';
  const problem = socket.authorized ? {} : { problem: String((socket.authorizationError) ?? 'not verified').slice(0, 200) };
  return { subject: distinguishedName(certificate.subject ?? ''), fingerprint: createHash('sha256').update(certificate.raw).digest('hex'), ...problem };
}
