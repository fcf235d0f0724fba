import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import forge from 'node-forge';

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface TestCertificates {
  /** PEM file of the authority that signed the other two. */
  readonly authority: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: CertificateFiles;
  readonly client: CertificateFiles;
}

interface Pair {
  readonly name: string;
  readonly privateKey: forge.pki.rsa.PrivateKey;
  readonly publicKey: forge.pki.rsa.PublicKey;
  readonly keyPem: string;
}

/** A private authority, a server and a client of it, as PEM files in `folder`. `client` is the client's common name. */
export function writeTestCertificates(folder: string, client = 'millrace'): TestCertificates {
  const authority = newPair('spec authority');
  const pem = sign(authority, authority, [
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
  ]);
  const authorityFile = path.join(folder, 'authority.pem');
  writeFileSync(authorityFile, pem);
  const leaf = (name: string, usage: 'serverAuth' | 'clientAuth'): CertificateFiles => {
    const pair = newPair(name);
    const files = { certificate: path.join(folder, `${usage}.pem`), key: path.join(folder, `${usage}.key`) };
    const extensions = [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', [usage]: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }, ...(usage === 'serverAuth' ? [{ type: 7, ip: '127.0.0.1' }] : [])] },
    ];
    writeFileSync(files.certificate, sign(pair, authority, extensions));
    writeFileSync(files.key, pair.keyPem, { mode: 0o600 });
    return files;
  };
  return { authority: authorityFile, server: leaf('localhost', 'serverAuth'), client: leaf(client, 'clientAuth') };
}

function newPair(name: string): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs1', format: 'pem' } });
  return { name, privateKey: forge.pki.privateKeyFromPem(privateKey), publicKey: forge.pki.publicKeyFromPem(publicKey), keyPem: privateKey };
}

function sign(subject: Pair, issuer: Pair, extensions: object[]): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = subject.publicKey;
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000);
  certificate.setSubject([{ name: 'commonName', value: subject.name }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer.name }]);
  certificate.setExtensions(extensions);
  certificate.sign(issuer.privateKey, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}
