import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CertificateFiles } from './test-certificates.js';

/** An authority of OpenSSL in a folder of its own, with a list of what it revoked. */
export interface OpensslAuthority {
  /** PEM file. */
  readonly certificate: string;
  /** `subject` as openssl takes it: `/O=Farm/CN=builder`; parts of several attributes as `/CN=a+UID=b`. */
  issue(subject: string, options?: { readonly days?: number; readonly names?: string }): CertificateFiles;
  revoke(files: CertificateFiles): void;
  /** PEM file of the revocation list as it is now, valid for a day, or for the past. */
  revocationList(options?: { readonly expired?: boolean }): string;
  /** The subject as Apache's SSL_CLIENT_S_DN has it. */
  subject(files: CertificateFiles): string;
}

export function createOpensslAuthority(folder: string, name: string): OpensslAuthority {
  const home = path.join(folder, name);
  const at = (file: string): string => path.join(home, file);
  mkdirSync(home);
  writeFileSync(at('index.txt'), '');
  for (const file of ['crlnumber', 'serial']) writeFileSync(at(file), '01\n');
  writeFileSync(at('config'), configuration(home, name));
  const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-utf8'];
  openssl('req', '-x509', ...newKey, '-config', at('config'), '-extensions', 'authority', '-subj', `/CN=${name}`, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2');
  let serial = 0;

  return {
    certificate: at('ca.pem'),
    issue(subject, { days = 1, names = 'DNS:localhost,IP:127.0.0.1' } = {}) {
      serial += 1;
      const [key, request, certificate, extensions] = [`${serial}.key`, `${serial}.csr`, `${serial}.pem`, `${serial}.ext`].map(at) as [string, string, string, string];
      writeFileSync(extensions, `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      openssl('req', '-new', ...newKey, '-multivalue-rdn', '-config', at('config'), '-subj', subject, '-keyout', key, '-out', request);
      const validity = days > 0 ? ['-days', String(days)] : ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
      openssl('ca', '-batch', '-notext', '-config', at('config'), '-extfile', extensions, ...validity, '-in', request, '-out', certificate);
      return { certificate, key };
    },
    revoke: ({ certificate }) => void openssl('ca', '-config', at('config'), '-revoke', certificate),
    revocationList({ expired = false } = {}) {
      openssl('ca', '-gencrl', '-config', at('config'), ...(expired ? ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200102000000Z'] : ['-crldays', '1']), '-out', at('crl.pem'));
      return at('crl.pem');
    },
    subject: ({ certificate }) => openssl('x509', '-in', certificate, '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb').replace(/^subject=/, '').replace(/\n$/, ''),
  };
}

function configuration(home: string, name: string): string {
  return `[ca]
default_ca = own
[own]
certificate = ${home}/ca.pem
private_key = ${home}/ca.key
new_certs_dir = ${home}
database = ${home}/index.txt
serial = ${home}/serial
crlnumber = ${home}/crlnumber
default_md = sha256
policy = any
unique_subject = no
string_mask = utf8only
preserve = yes
[any]
domainComponent = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
userId = optional
[req]
distinguished_name = subject
string_mask = utf8only
[subject]
commonName = ${name}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
`;
}
