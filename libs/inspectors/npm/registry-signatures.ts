import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { readPublicationTime } from '../declarations/publication-time.js';

/** A registry's signature over `name@version:integrity`. */
export interface RegistrySignature {
  readonly keyId: string;
  /** DER in base64. */
  readonly signature: string;
}

/** A key that a registry signs with. */
export interface RegistryKey {
  readonly keyId: string;
  readonly key: KeyObject;
  /** Until when releases may be signed by it, as `readPublicationTime` gives it; empty: no end. */
  readonly expires: string;
}

const maxSignatures = 4;
const maxKeys = 64;
const keyIdPattern = /^SHA256:[A-Za-z0-9+/]{43}$/;
const base64Pattern = /^[A-Za-z0-9+/]{8,512}={0,2}$/;

/** The `dist.signatures` of a version as one short string; empty when there are none that can be used. */
export function packSignatures(signatures: unknown): string {
  if (!Array.isArray(signatures)) return '';
  const usable = signatures.slice(0, maxSignatures).flatMap((item: unknown) => {
    const keyId = isRecord(item) ? own(item, 'keyid') : undefined;
    const signature = isRecord(item) ? own(item, 'sig') : undefined;
    return typeof keyId === 'string' && keyIdPattern.test(keyId) && typeof signature === 'string' && base64Pattern.test(signature) ? [`${keyId} ${signature}`] : [];
  });
  return usable.join(' ');
}

export function unpackSignatures(packed: string): readonly RegistrySignature[] {
  const parts = packed === '' ? [] : packed.split(' ');
  return Array.from({ length: Math.floor(parts.length / 2) }, (_item, index) => ({ keyId: parts[2 * index] as string, signature: parts[2 * index + 1] as string }));
}

/**
 * Reads `{"keys": [{"keyid", "key", "expires"}]}` of a registry, or such a list from the configuration. `key` is an SPKI key of the curve P-256
 * in base64. Throws the reason when it is none.
 */
export function readRegistryKeys(document: unknown): readonly RegistryKey[] {
  const keys = isRecord(document) ? own(document, 'keys') : document;
  if (!Array.isArray(keys) || keys.length > maxKeys) throw refusal(`the registry's signing keys are not a list of at most ${maxKeys}`);
  return keys.map(readKey);
}

function readKey(item: unknown): RegistryKey {
  const keyId = isRecord(item) ? own(item, 'keyid') : undefined;
  const encoded = isRecord(item) ? own(item, 'key') : undefined;
  const expires = isRecord(item) ? (own(item, 'expires') ?? null) : null;
  if (typeof keyId !== 'string' || !keyIdPattern.test(keyId)) throw refusal("one of the registry's signing keys has no key id (SHA256:…)");
  if (expires !== null && readPublicationTime(expires) === '') throw refusal("one of the registry's signing keys has an end (expires) that is no time");
  return { keyId, key: readPublicKey(encoded), expires: readPublicationTime(expires) };
}

function readPublicKey(encoded: unknown): KeyObject {
  const problem = "one of the registry's signing keys is not an ECDSA key of the curve P-256";
  if (typeof encoded !== 'string' || !base64Pattern.test(encoded)) throw refusal(problem);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'spki' });
  } catch (cause) {
    throw refusal(problem, cause);
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw refusal(problem);
  return key;
}

/** Whether the signature is the key's, over what the registry signs: ECDSA with SHA-256. */
export function isRegistrySignature(message: string, { signature }: RegistrySignature, key: RegistryKey): boolean {
  return verify('sha256', Buffer.from(message), key.key, Buffer.from(signature, 'base64'));
}
