import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { buildAuthorityCertificate, buildLeafCertificate, leafValidity, readIssuerFields, subjectKeyOf, keyIdentifierOf } from '../../../libs/proxy/tls/certificate-builder.js';

/** PEM files. */
export interface SiteCertificate {
  readonly certificate: string;
  readonly key: string;
  /** What clients trust. */
  readonly authority: string;
}

const day = 24 * 60 * 60 * 1000;
/** Servers look at their files now and then; what is renewed so early is in force long before the old one ends. */
const renewedBefore = 30 * day;

/** An authority of the site's own, made once, and a certificate of it for these names, renewed in time. Nothing is made anew that is still good. */
export function keepSiteCertificate(directory: string, names: readonly [string, ...string[]], now: number): SiteCertificate & { readonly renewed: boolean } {
  const files = { authority: path.join(directory, 'ca.pem'), authorityKey: path.join(directory, 'ca-key.pem'), certificate: path.join(directory, 'server.pem'), key: path.join(directory, 'server-key.pem') };
  if (!isPair(files.authority, files.authorityKey)) makeAuthority(files, now);
  const authority = readFileSync(files.authority, 'utf8');
  const good = isPair(files.certificate, files.key) && isGood(readFileSync(files.certificate, 'utf8'), { authority, names, now });
  if (!good) makeCertificate(files, { authority, names, now });
  return { certificate: files.certificate, key: files.key, authority: files.authority, renewed: !good };
}

interface Files {
  readonly authority: string;
  readonly authorityKey: string;
  readonly certificate: string;
  readonly key: string;
}

function makeAuthority(files: Files, now: number): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  replace(files.authorityKey, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  replace(files.authority, buildAuthorityCertificate(privateKey, 'Millrace artifact cache', now), 0o644);
}

interface Wish {
  readonly authority: string;
  readonly names: readonly [string, ...string[]];
  readonly now: number;
}

/** A crash before the certificate is there leaves a key without one, which `isPair` sees. */
function makeCertificate(files: Files, { authority, names: [hostname, ...others], now }: Wish): void {
  const privateKey = createPrivateKey(readFileSync(files.authorityKey));
  const { raw, validTo } = new X509Certificate(authority);
  const { name, keyIdentifier = keyIdentifierOf(createPublicKey(privateKey)) } = readIssuerFields(raw);
  const issuer = { privateKey, name, keyIdentifier, notAfter: new Date(validTo) };
  if (!existsSync(files.key)) replace(files.key, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  const key = subjectKeyOf(createPublicKey(readFileSync(files.key)));
  replace(files.certificate, buildLeafCertificate(issuer, { hostname, others, key, ...leafValidity(issuer, now) }), 0o644);
}

/** Whether both are there, and belong together. */
function isPair(certificate: string, key: string): boolean {
  return existsSync(certificate) && existsSync(key) && new X509Certificate(readFileSync(certificate)).checkPrivateKey(createPrivateKey(readFileSync(key)));
}

function isGood(pem: string, { authority, names, now }: Wish): boolean {
  const certificate = new X509Certificate(pem);
  const named = names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined);
  return named && certificate.verify(new X509Certificate(authority).publicKey) && Date.parse(certificate.validTo) - now > renewedBefore;
}

function replace(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
