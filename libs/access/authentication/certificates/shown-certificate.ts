import { createHash, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../../authenticator.js';
import { distinguishedName } from './subject-name.js';

interface Shown {
  readonly certificate: ClientCertificate;
  /** Milliseconds since 1970. */
  readonly validTo: number;
}

const known = new WeakMap<TLSSocket, Shown | 'none'>();
const outdated = new WeakSet<TLSSocket>();

/** The certificate that the client of a connection has shown; read once a connection. */
export function shownCertificate(socket: TLSSocket): ClientCertificate | undefined {
  const shown = known.get(socket) ?? read(socket);
  known.set(socket, shown);
  if (shown === 'none') return undefined;
  const { certificate, validTo } = shown;
  if (outdated.has(socket)) return { ...certificate, problem: 'authorities or revocation lists have changed since the connection was made' };
  // Connections may be kept for longer than their certificates are good.
  if (certificate.problem === undefined && validTo < Date.now()) return { ...certificate, problem: 'CERT_HAS_EXPIRED' };
  return certificate;
}

/** What was verified by lists that have been replaced proves nothing any more: the client has to connect anew. */
export function mistrustConnection(socket: TLSSocket): void {
  outdated.add(socket);
}

export function isMistrusted(socket: TLSSocket): boolean {
  return outdated.has(socket);
}

/** Of a connection whose listener has verified it, and hands out nothing but its DER: gRPC. */
export function verifiedCertificate(der: Buffer, now = Date.now()): ClientCertificate {
  const certificate = new X509Certificate(der);
  const outdated = Date.parse(certificate.validTo) < now ? { problem: 'CERT_HAS_EXPIRED' } : {};
  return { subject: distinguishedName(certificate.subject), fingerprint: fingerprintOf(der), ...outdated };
}

function fingerprintOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex');
}

function read(socket: TLSSocket): Shown | 'none' {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'none';
  const problem = socket.authorized ? {} : { problem: String((socket.authorizationError) ?? 'not verified').slice(0, 200) };
  return { certificate: { subject: distinguishedName(certificate.subject ?? ''), fingerprint: fingerprintOf(certificate.raw), ...problem }, validTo: Date.parse(certificate.validTo) };
}
