import type { LoginMethod } from '../login-method.js';
import { refusedLogin } from '../login-method.js';
import { commonName } from './subject-name.js';
import type { certificateNames } from './tls-listener-schema.js';

/** Certificates of clients, whose chain the listener has verified. */
export function createCertificateLogin(name: (typeof certificateNames)[number]): LoginMethod {
  return {
    by: 'certificate',
    async login({ certificate }) {
      if (certificate === undefined) return undefined;
      if (certificate.problem !== undefined) throw refusedLogin(`the certificate of ${JSON.stringify(certificate.subject.slice(0, 200))} is not trusted: ${certificate.problem}`);
      if (name === 'subject') return { name: certificate.subject, groups: [], scopes: undefined };
      const found = commonName(certificate.subject);
      if (found === undefined) throw refusedLogin('the certificate has no CN, or more than one');
      return { name: found, groups: [], scopes: undefined };
    },
  };
}
