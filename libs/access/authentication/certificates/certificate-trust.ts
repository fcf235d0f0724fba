import { X509Certificate } from 'node:crypto';
import { issuerOf, normalSerial, readRevocationList, type RevocationList } from './revocation-list.js';

/** Authorities and revocation lists as the files say it now. A connection was verified when it was made; this says what became of that. */
export interface CertificateTrust {
  /** Why a certificate that was good is not any more; undefined: it still is. One that came with others between it and the authorities cannot be followed: `unknownAuthority`. */
  problemOf(der: Buffer, now?: number): string | undefined;
  /** Milliseconds since 1970 when the first of the lists runs out; Infinity: there are none. */
  readonly until: number;
}

/** As in TLS: of an authority, and of one above it. */
const longestChain = 10;
export const unknownAuthority = 'no authority of the file has issued it itself';

/** Texts of PEM blocks. Errors: those of Node and of the reader for blocks that are none. */
export function createCertificateTrust(certificates: readonly string[], lists: readonly string[]): CertificateTrust {
  const authorities = certificates.map((pem) => new X509Certificate(pem));
  const revoked = lists.map(readRevocationList);
  return {
    until: Math.min(Infinity, ...revoked.map(({ until }) => until)),
    problemOf(der, now = Date.now()) {
      let certificate = new X509Certificate(der);
      for (let depth = 0; depth < longestChain; depth += 1) {
        const problem = Date.parse(certificate.validTo) < now ? 'CERT_HAS_EXPIRED' : revocationOf(certificate, revoked, now);
        if (problem !== undefined) return problem;
        const issuer = authorities.find((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey));
        if (issuer === undefined) return unknownAuthority;
        if (issuer.fingerprint256 === certificate.fingerprint256 || issuer.checkIssued(issuer)) return Date.parse(issuer.validTo) < now ? 'CERT_HAS_EXPIRED' : undefined;
        certificate = issuer;
      }
      return 'CERT_CHAIN_TOO_LONG';
    },
  };
}

/** As OpenSSL has it: with lists, each authority needs its own, and a current one. */
function revocationOf({ raw, serialNumber }: X509Certificate, lists: readonly RevocationList[], now: number): string | undefined {
  if (lists.length === 0) return undefined;
  const issuerName = issuerOf(raw);
  const own = lists.filter(({ issuer }) => issuer === issuerName);
  if (own.some(({ serials }) => serials.has(normalSerial(serialNumber)))) return 'CERT_REVOKED';
  if (own.length === 0) return 'UNABLE_TO_GET_CRL';
  return own.some(({ until }) => until >= now) ? undefined : 'CRL_HAS_EXPIRED';
}
