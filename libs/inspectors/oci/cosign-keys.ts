import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';

/** A public key that signatures of images are verified with. */
export interface SignatureKey {
  /** `cosign:` and the SHA-256 of its SubjectPublicKeyInfo in hex, as `ArtefactMetadata.signedBy` names it. */
  readonly id: string;
  readonly key: KeyObject;
}

const maxKeys = 16;
const minRsaBits = 2048;

/** The keys in `inspectors-configuration`: `{"oci": {"public-key": "-----BEGIN PUBLIC KEY-----…"}}`, or a list of them. Empty when none is configured. Throws the reason for one that is none. */
export function signatureKeys(configuration: InspectorsConfiguration): readonly SignatureKey[] {
  const oci = own(configuration, 'oci');
  const value = isRecord(oci) ? own(oci, 'public-key') : undefined;
  if (value === undefined) return [];
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (texts.length > maxKeys) throw refusal(`"oci.public-key" of the inspectors configuration has more than ${maxKeys} keys`);
  return texts.map((text) => readKey(text));
}

/** Whether a signature of cosign over these bytes is one by the key: ECDSA or RSA (PKCS #1 v1.5) with SHA-256, or Ed25519. */
export function isSignedBy({ key }: SignatureKey, bytes: Buffer, signature: Buffer): boolean {
  try {
    return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key, signature);
  } catch {
    return false; // a signature that is not even of the key's form
  }
}

function readKey(text: unknown): SignatureKey {
  const problem = '"oci.public-key" of the inspectors configuration is not a public key in PEM (ECDSA, Ed25519, or RSA of at least 2048 bits)';
  if (typeof text !== 'string' || !text.includes('PUBLIC KEY')) throw refusal(problem);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw refusal(problem, cause);
  }
  const isStrong =
    key.asymmetricKeyType === 'ec' ||
    key.asymmetricKeyType === 'ed25519' ||
    (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits);
  if (!isStrong) throw refusal(problem);
  return {
    id: `cosign:${createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex')}`,
    key,
  };
}
