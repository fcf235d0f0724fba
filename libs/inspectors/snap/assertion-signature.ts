import { createHash } from 'node:crypto';
import { refusal } from '../../inspection/refusal.js';
import { decodeBase64, type Assertion } from './assertion.js';
import { isSignatureOf, readPublicKeyPacket } from './openpgp-packets.js';

/** Bytes of an encoded key or signature; RSA keys of 4096 bits have some 530. */
const maxPacket = 8192;
const versionByte = 1;

/** The id of a key: the SHA3-384 of its encoding in base64url, as `sign-key-sha3-384` and `public-key-sha3-384` have it. */
export function keyIdOf(encoded: Buffer): string {
  return createHash('sha3-384').update(encoded).digest('base64url');
}

/** The encoded public key in the body of an `account-key` assertion: a version byte and an OpenPGP packet. Throws the reason for none. */
export function encodedKeyOf(assertion: Assertion): Buffer {
  const encoded = decodeBase64(assertion.body.toString('latin1'));
  if (encoded[0] !== versionByte || encoded.length > maxPacket) throw refusal('an account-key assertion has no public key');
  return encoded;
}

/** Whether the signature of an assertion is one by the encoded key. Throws the reason for a key or a signature that cannot be read. */
export function isSignedByKey({ signature, signed }: Assertion, encodedKey: Buffer): boolean {
  if (signature[0] !== versionByte || signature.length > maxPacket) throw refusal('an assertion has no signature that can be read');
  return isSignatureOf(signature.subarray(1), readPublicKeyPacket(encodedKey.subarray(1)), signed);
}
