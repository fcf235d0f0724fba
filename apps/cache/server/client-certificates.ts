import { createCertificateTrust, type CertificateTrust } from '../../../libs/access/authentication/certificates/certificate-trust.js';
import { verifiedCertificate } from '../../../libs/access/authentication/certificates/shown-certificate.js';
import type { ClientCertificate } from '../../../libs/access/authenticator.js';

/** What certificates of clients prove now, whatever they proved when their connections were made. */
export interface ClientCertificates {
  /** Of a call: what judges its certificate from its beginning to its end. */
  begin(der: Buffer): () => ClientCertificate;
  /** Called when connections were verified by what does not hold any more. */
  onChange(listener: () => void): void;
}

export interface ReplaceableClientCertificates extends ClientCertificates {
  /** PEM of authorities and lists. Errors: `invalid-setting`. */
  replace(pem: string): void;
  /** Looks whether a list has run out since. */
  look(now?: number): void;
}

/** `pem`: undefined where no client is asked for a certificate. */
export function createClientCertificates(pem: string | undefined): ReplaceableClientCertificates {
  const listeners: (() => void)[] = [];
  let shown = pem;
  let trust = trustOf(pem);
  let outdated = trust.until < Date.now();
  let changes = 0;

  function changed(): void {
    changes += 1;
    for (const listener of listeners) listener();
  }

  return {
    begin(der) {
      const since = changes;
      return () => {
        const certificate = verifiedCertificate(der);
        if (since === changes || certificate.problem !== undefined) return certificate;
        const problem = trust.problemOf(der);
        return problem === undefined ? certificate : { ...certificate, problem };
      };
    },
    onChange: (listener) => void listeners.push(listener),
    replace(next) {
      if (next === shown) return;
      trust = trustOf(next);
      shown = next;
      outdated = trust.until < Date.now();
      changed();
    },
    look(now = Date.now()) {
      if (outdated || trust.until >= now) return;
      outdated = true;
      changed();
    },
  };
}

function trustOf(pem = ''): CertificateTrust {
  return createCertificateTrust(blocksOf(pem, 'CERTIFICATE'), blocksOf(pem, 'X509 CRL'));
}

/** Node reads the first block of a text only. */
export function blocksOf(pem: string, label: string): readonly string[] {
  return pem.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'g')) ?? [];
}
