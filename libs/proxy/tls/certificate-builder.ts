import { createHash, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

const { asn1, pki } = forge;

/** A documented function of forge that its type package leaves out. */
interface TbsBuilder {
  getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1;
}

const day = 24 * 60 * 60 * 1000;
const sha256WithRsa = '1.2.840.113549.1.1.11';
const sha256WithEcdsa = '1.2.840.10045.4.3.2';
const subjectKeyIdentifierOid = '2.5.29.14';

/** Browsers and Apple clients refuse leaf certificates that are valid for longer than 398 days. */
const leafLifetimeDays = 397;
/** X.509 allows 64 characters in a common name; the name that clients check is in the SAN anyway. */
const commonNameLimit = 64;

/** What a certificate is signed with. */
export interface Issuer {
  /** RSA or EC. */
  readonly privateKey: KeyObject;
  /** DER of the subject, taken over byte for byte as issuer. */
  readonly name: Buffer;
  readonly keyIdentifier: Buffer;
  readonly notAfter: Date;
}

/** A public key, encoded once: every leaf of a process has the same. */
export interface SubjectKey {
  readonly info: forge.asn1.Asn1;
  readonly identifier: Buffer;
}

/** What goes into a leaf; times in milliseconds since the epoch. */
export interface LeafRequest {
  /** Validated: a DNS name or an IP address. */
  readonly hostname: string;
  /** Further ones that it is for. */
  readonly others?: readonly string[];
  readonly key: SubjectKey;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** When a leaf issued now is valid: backdated, because the clocks of build machines are not exact, and never longer than its issuer. */
export function leafValidity(issuer: Issuer, now: number): { readonly notBefore: number; readonly notAfter: number } {
  const end = Math.min(now + (leafLifetimeDays - 1) * day, issuer.notAfter.getTime());
  return { notBefore: wholeSeconds(now - day), notAfter: wholeSeconds(end) };
}

export function subjectKeyOf(publicKey: KeyObject): SubjectKey {
  return { info: asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1')), identifier: keyIdentifierOf(publicKey) };
}

/** A self-signed authority of ten years. Returns PEM. */
export function buildAuthorityCertificate(privateKey: KeyObject, commonName: string, now: number): string {
  const key = subjectKeyOf(createPublicKey(privateKey));
  const certificate = blankCertificate(now - day, now + 3650 * day);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  certificate.setIssuer([{ name: 'commonName', value: commonName }]);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true, digitalSignature: true },
    subjectKeyIdentifier(key.identifier),
    { name: 'authorityKeyIdentifier', keyIdentifier: key.identifier.toString('latin1') },
  ]);
  return toPem(signCertificate(certificate, key, { privateKey }));
}

/** A leaf for one host, with what strict clients (Go, Java, OpenSSL `-x509_strict`, Python 3.13) demand. Returns PEM. */
export function buildLeafCertificate(issuer: Issuer, request: LeafRequest): string {
  const { hostname, others = [], key } = request;
  const certificate = blankCertificate(request.notBefore, request.notAfter);
  certificate.setSubject([hostname.length <= commonNameLimit ? { name: 'commonName', value: hostname } : { name: 'organizationName', value: 'Millrace' }]);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [hostname, ...others].map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })) },
    subjectKeyIdentifier(key.identifier),
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.keyIdentifier.toString('latin1') },
  ]);
  return toPem(signCertificate(certificate, key, issuer));
}

/** SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2, method 1). */
export function keyIdentifierOf(publicKey: KeyObject): Buffer {
  const spki = asn1.fromDer(publicKey.export({ type: 'spki', format: 'der' }).toString('latin1'), { decodeBitStrings: false } as never);
  const bits = (spki.value as forge.asn1.Asn1[])[1]?.value as string;
  return createHash('sha1').update(Buffer.from(bits.slice(1), 'latin1')).digest();
}

/** Subject and subject key identifier of an authority's certificate, read without forge's certificate class, which knows RSA keys only. */
export function readIssuerFields(certificateDer: Buffer): { readonly name: Buffer; readonly keyIdentifier: Buffer | undefined } {
  const certificate = asn1.fromDer(certificateDer.toString('latin1'));
  const tbs = children(children(certificate)[0]);
  const subject = tbs[tbs[0]?.tagClass === asn1.Class.CONTEXT_SPECIFIC ? 5 : 4];
  if (subject === undefined) throw new Error('the certificate has no subject');
  return { name: Buffer.from(asn1.toDer(subject).getBytes(), 'latin1'), keyIdentifier: readKeyIdentifier(tbs) };
}

function readKeyIdentifier(tbs: readonly forge.asn1.Asn1[]): Buffer | undefined {
  const wrapper = tbs.find((item) => item.tagClass === asn1.Class.CONTEXT_SPECIFIC && Number(item.type) === 3);
  for (const extension of children(children(wrapper)[0])) {
    const parts = children(extension);
    if (parts[0] === undefined || asn1.derToOid(parts[0].value as string) !== subjectKeyIdentifierOid) continue;
    const wrapped = parts[parts.length - 1]?.value as string;
    return Buffer.from(asn1.fromDer(wrapped).value as string, 'latin1');
  }
  return undefined;
}

function blankCertificate(notBefore: number, notAfter: number): forge.pki.Certificate {
  const certificate = pki.createCertificate();
  certificate.serialNumber = randomSerial();
  certificate.validity.notBefore = new Date(notBefore);
  certificate.validity.notAfter = new Date(notAfter);
  // forge encodes RSA keys only: this stands in until the real key is spliced in.
  certificate.publicKey = pki.setRsaPublicKey(new forge.jsbn.BigInteger('3'), new forge.jsbn.BigInteger('3'));
  certificate.siginfo.algorithmOid = sha256WithRsa;
  return certificate;
}

/** forge builds the TBSCertificate, node:crypto signs it: forge's own RSA takes 60 times as long and blocks. */
function signCertificate(certificate: forge.pki.Certificate, key: SubjectKey, issuer: { readonly privateKey: KeyObject; readonly name?: Buffer }): Buffer {
  const algorithm = signatureAlgorithm(issuer.privateKey);
  const tbs = (pki as unknown as TbsBuilder).getTBSCertificate(certificate);
  const fields = tbs.value as forge.asn1.Asn1[];
  fields[2] = algorithm;
  if (issuer.name !== undefined) fields[3] = asn1.fromDer(issuer.name.toString('latin1'));
  fields[6] = key.info;
  const signature = sign('sha256', Buffer.from(asn1.toDer(tbs).getBytes(), 'latin1'), issuer.privateKey);
  const whole = sequence([tbs, algorithm, asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${signature.toString('latin1')}`)]);
  return Buffer.from(asn1.toDer(whole).getBytes(), 'latin1');
}

function signatureAlgorithm(key: KeyObject): forge.asn1.Asn1 {
  const rsa = key.asymmetricKeyType === 'rsa';
  const oid = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(rsa ? sha256WithRsa : sha256WithEcdsa).getBytes());
  // RFC 4055 wants NULL parameters for RSA, RFC 5758 none at all for ECDSA.
  return sequence(rsa ? [oid, asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, '')] : [oid]);
}

function subjectKeyIdentifier(identifier: Buffer): object {
  const value = asn1.toDer(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, identifier.toString('latin1'))).getBytes();
  return { id: subjectKeyIdentifierOid, critical: false, value };
}

function wholeSeconds(time: number): number {
  return Math.floor(time / 1000) * 1000;
}

/** 128 random bits as a positive number (RFC 5280: at most 20 octets), in hex. */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function children(node: forge.asn1.Asn1 | undefined): forge.asn1.Asn1[] {
  return Array.isArray(node?.value) ? node.value : [];
}

function sequence(items: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
