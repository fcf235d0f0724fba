import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';

const maxKeys = 16;

/** The keys in `inspectors-configuration`: `{"hex": {"public-key": "-----BEGIN PUBLIC KEY…"}}`, or a list of them. Empty when none is configured. */
export function publicKeys(configuration: InspectorsConfiguration): readonly KeyObject[] {
  const hex = own(configuration, 'hex');
  const configured = isRecord(hex) ? own(hex, 'public-key') : undefined;
  if (configured === undefined) return [];
  const texts: unknown[] = Array.isArray(configured) ? configured.slice(0, maxKeys) : [configured];
  return texts.map(parseKey);
}

function parseKey(text: unknown): KeyObject {
  try {
    const key = createPublicKey(typeof text === 'string' ? text : '');
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Said below.
  }
  throw refusal('"hex.public-key" of the inspectors configuration is neither an RSA public key in PEM nor a list of them');
}

/** `rsa:<SHA-256 of the key in DER, hex>` of the key that made this RSA-SHA512 signature; undefined when none of them did. */
export function signerOf(signed: { payload: Buffer; signature: Buffer }, keys: readonly KeyObject[]): string | undefined {
  const key = keys.find((candidate) => verify('sha512', signed.payload, candidate, signed.signature));
  return key === undefined ? undefined : `rsa:${createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex')}`;
}
