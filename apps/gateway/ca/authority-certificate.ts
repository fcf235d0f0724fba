import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { trustStorePassword } from '../../../libs/build-environment/tool-files.js';
import { toJks } from '../../../libs/ca-formats/to-jks.js';
import { toPkcs12 } from '../../../libs/ca-formats/to-pkcs12.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { ensureAuthorityFiles } from '../../../libs/proxy/tls/authority-files.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { AuthorityCertificate } from '../gateway-ports.js';

/**
 * Reads the authority's certificate, which is made in `home` when none is given; the key stays with the proxies. The file is read
 * again for each request, because an operator may replace it. Errors: `invalid-setting` for a file that cannot be read.
 */
export function openAuthorityCertificate(settings: Pick<Settings, 'home' | 'caCertificate'>): AuthorityCertificate {
  const file = settings.caCertificate ?? ensureAuthorityFiles(settings.home, Date.now()).certificateFile;
  try {
    readFileSync(file);
  } catch (cause) {
    throw new MillraceError('invalid-setting', `MILLRACE_CA_CERT: cannot read ${file}`, { cause });
  }
  const pem = (): Promise<string> => readFile(file, 'utf8');
  return { pem, pkcs12: async () => toPkcs12(await pem(), trustStorePassword), jks: async () => toJks(await pem(), trustStorePassword) };
}
