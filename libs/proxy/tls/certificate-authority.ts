import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { MillraceError } from '../../errors/millrace-error.js';
import { bracketHost, parseHost } from '../target/host.js';
import { ensureAuthorityFiles, type AuthorityFiles } from './authority-files.js';
import { buildLeafCertificate, keyIdentifierOf, leafValidity, readIssuerFields, subjectKeyOf, type Issuer } from './certificate-builder.js';

export interface CertificateAuthorityOptions {
  /** Absolute path; `ca/ca.pem` and `ca/ca.key.pem` are made in it unless both files below are given. */
  readonly home: string;
  /** PEM; the first certificate in it signs. */
  readonly certificateFile?: string | undefined;
  /** PEM, PKCS#8, PKCS#1 or SEC 1, not encrypted. */
  readonly keyFile?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface IssuedCertificate {
  readonly certificatePem: string;
  /** The one leaf key of this process. */
  readonly keyPem: string;
  /** Milliseconds since the epoch; the certificate is not valid outside of these. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CertificateAuthority {
  /** The authority's own certificate, as builds must trust it. */
  readonly certificatePem: string;
  readonly certificateFile: string;
  /** A server certificate for a DNS name or an IP address. Takes about a millisecond. Throws `invalid-request` for anything else. */
  issue(hostname: string): IssuedCertificate;
}

/** Opens the authority that intercepted connections are certified by. Throws `invalid-setting` with what is wrong with the files. */
export function openCertificateAuthority(options: CertificateAuthorityOptions): CertificateAuthority {
  const now = options.now ?? Date.now;
  const files = authorityFiles(options, now());
  const certificate = readCertificate(files.certificateFile);
  const issuer = readIssuer(certificate, readKey(files.keyFile), files);
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = subjectKeyOf(leaf.publicKey);
  return {
    certificatePem: certificate.toString(),
    certificateFile: files.certificateFile,
    issue(hostname) {
      const validity = leafValidity(issuer, now());
      const certificatePem = buildLeafCertificate(issuer, { hostname: checkedHost(hostname), key, ...validity });
      return { certificatePem, keyPem, ...validity };
    },
  };
}

function authorityFiles(options: CertificateAuthorityOptions, now: number): AuthorityFiles {
  const { certificateFile, keyFile } = options;
  if (certificateFile !== undefined && keyFile !== undefined) return { certificateFile, keyFile };
  if (certificateFile !== undefined || keyFile !== undefined) {
    throw invalid('a certificate authority needs both its certificate and its key', 'Set MILLRACE_CA_CERT and MILLRACE_CA_KEY together, or neither.');
  }
  return ensureAuthorityFiles(options.home, now);
}

function readIssuer(certificate: X509Certificate, privateKey: KeyObject, files: AuthorityFiles): Issuer {
  const { certificateFile, keyFile } = files;
  if (privateKey.asymmetricKeyType !== 'rsa' && privateKey.asymmetricKeyType !== 'ec') {
    throw invalid(`${keyFile}: keys of type ${privateKey.asymmetricKeyType ?? 'unknown'} cannot sign here`, 'Use an RSA or an EC key.');
  }
  if (!certificate.checkPrivateKey(privateKey)) throw invalid(`${keyFile} is not the key of ${certificateFile}`, 'Give the key that the certificate was made with.');
  if (!certificate.ca) throw invalid(`${certificateFile} is not a certificate authority (CA:TRUE is missing)`, 'Make the certificate with basicConstraints CA:TRUE.');
  const notAfter = certificate.validToDate;
  if (notAfter.getTime() <= Date.now()) throw invalid(`${certificateFile} expired at ${notAfter.toISOString()}`, 'Renew the authority.');
  const fields = readIssuerFields(certificate.raw);
  return { privateKey, name: fields.name, keyIdentifier: fields.keyIdentifier ?? keyIdentifierOf(certificate.publicKey), notAfter };
}

function readCertificate(file: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(file));
  } catch (cause) {
    throw invalid(`${file} cannot be read as a PEM certificate`, 'Check that the file exists, may be read and holds a PEM certificate.', cause);
  }
}

function readKey(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw invalid(`${file} cannot be read as a PEM private key`, 'Give an unencrypted PEM key (PKCS#8 or PKCS#1).', cause);
  }
}

function checkedHost(hostname: string): string {
  const parsed = parseHost(isIP(hostname) === 6 ? bracketHost(hostname) : hostname);
  if (!parsed.ok) throw new MillraceError('invalid-request', `no certificate can be made: ${parsed.reason}`);
  return parsed.host;
}

function invalid(message: string, suggestion: string, cause?: unknown): MillraceError {
  return new MillraceError('invalid-setting', message, cause === undefined ? { suggestion } : { suggestion, cause });
}
