import { config as libraryDefaults, enums, readKey, type Key, type PartialConfig } from 'openpgp';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { SigningKey } from './signer.js';

const longest = 1024 * 1024;

/** No salt in signatures, so that the same index is signed with the same bytes; SHA-1 and short keys as nobody's clients believe them. */
export const signingRules: PartialConfig = {
  nonDeterministicSignaturesViaNotation: false,
  preferredHashAlgorithm: enums.hash.sha512,
  minRSABits: 2048,
  rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal, enums.publicKey.dsa]),
};

/** Reads one armoured key, public or secret. Errors: `invalid-setting`, which never repeats what it was given. */
export async function readOpenPgpKey(name: string, armoured: string, half: 'public' | 'secret'): Promise<Key> {
  if (armoured.length > longest) throw wrongKey(name, `its ${half} half is larger than ${longest} bytes`);
  // A binary key, a file of another program, or nothing at all: what a library says of it may show its bytes.
  if (!/-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----/.test(armoured)) throw wrongKey(name, `its ${half} half is no armoured OpenPGP key`, 'Export it with gpg --armor --export-secret-keys, or --export for the public half.');
  let key: Key;
  try {
    key = await readKey({ armoredKey: armoured });
  } catch {
    throw wrongKey(name, `its ${half} half cannot be read`);
  }
  if (half === 'secret' && !key.isPrivate()) throw wrongKey(name, 'secret-key names a public key', 'Export it with gpg --armor --export-secret-keys.');
  return key;
}

/** Errors: `invalid-setting` for a key that clients would not believe now: expired, revoked, too weak, not made for signing. */
export async function checkSigningKey(name: string, key: Key, now = new Date()): Promise<void> {
  if (await key.isRevoked(undefined, undefined, now)) throw wrongKey(name, 'it is revoked', 'Give its repositories another key and take this one out of them.');
  const expires = await expirationOf(key);
  if (expires !== null && expires <= now) throw wrongKey(name, `it has expired on ${expires.toISOString()}`, 'Prolong it, or give its repositories another key and take this one out of them.');
  try {
    await key.getSigningKey(undefined, now, undefined, { ...libraryDefaults, ...signingRules });
  } catch (error) {
    throw wrongKey(name, `it cannot sign: ${errorMessage(error).slice(0, 300)}`);
  }
}

export async function describeKey(name: string, key: Key, held: SigningKey['held']): Promise<SigningKey> {
  const expires = await expirationOf(key);
  return { name, kind: 'openpgp', fingerprint: key.getFingerprint().toUpperCase(), publicKey: key.toPublic().armor(), expiresAt: expires?.toISOString() ?? null, held };
}

/** Null: never. */
async function expirationOf(key: Key): Promise<Date | null> {
  const time = await key.getExpirationTime();
  return time instanceof Date ? time : null;
}

export function wrongKey(name: string, what: string, suggestion?: string): MillraceError {
  return new MillraceError('invalid-setting', `the key ${name} cannot be used: ${what}`, suggestion === undefined ? {} : { suggestion });
}
