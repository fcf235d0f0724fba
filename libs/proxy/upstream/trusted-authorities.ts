import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext, type SecureContextOptions } from 'node:tls';
import { MillraceError } from '../../errors/millrace-error.js';

/** What one server alone is spoken to with. */
export type ClientIdentity = Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'>;

/**
 * The client context for upstream: the system's authorities, Node's bundled ones, those of NODE_EXTRA_CA_CERTS and the file's. Made once a
 * process (some 150 ms), because reading hundreds of certificates per connection would cost more than the handshake.
 */
export function createUpstreamContext(caFile: string | undefined, { ca = [], ...identity }: ClientIdentity = {}): SecureContext {
  const authorities = new Set([...getCACertificates('system'), ...getCACertificates('bundled'), ...getCACertificates('extra')]);
  for (const pem of caFile === undefined ? [] : readAuthorities(caFile)) authorities.add(pem);
  return createSecureContext({ ...identity, ca: [...authorities, ...[ca].flat()], minVersion: 'TLSv1.2' });
}

function readAuthorities(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `the authorities for upstream cannot be read from ${file}`, { cause, suggestion: 'Set MILLRACE_UPSTREAM_CA to a readable PEM file.' });
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (found === null) throw new MillraceError('invalid-setting', `${file} holds no PEM certificate`, { suggestion: 'Set MILLRACE_UPSTREAM_CA to a PEM file of authorities.' });
  return found;
}
