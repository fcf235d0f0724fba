import { createPublicKey, createVerify, type KeyObject } from 'node:crypto';
import { config as libraryDefaults, type Key } from 'openpgp';
import { errorMessage } from '../../errors/error-message.js';
import type { SignatureInfo } from '../../rpm/package/signatures.js';
import type { Keyring } from '../openpgp/keyring.js';
import type { SignatureFailure } from '../openpgp/verify-signatures.js';

const hashes: Readonly<Record<number, string>> = { 8: 'sha256', 9: 'sha384', 10: 'sha512', 11: 'sha224' };
const rsaAlgorithms: ReadonlySet<number> = new Set([1, 3]);
const minimumBits = 2048;

/**
 * Verifies a signature packet of version 3 over `data`: enterprise distributions sign their packages so to this day, and the library reads only later
 * versions. RSA with SHA-2 only. The fingerprint of the primary key, or why the signature does not count. Source: RFC 4880, section 5.2.2.
 */
export async function verifyVersion3(data: Buffer, signature: SignatureInfo, keyring: Keyring): Promise<string | SignatureFailure> {
  const { keyId } = signature;
  const signer = keyring.keys.flatMap((key) => key.getKeys().map((part) => ({ key, part }))).find(({ part }) => part.getKeyID().toHex().toUpperCase() === keyId);
  if (signer === undefined) return { keyId, kind: 'unknown-key', reason: 'the key is not known here' };
  const hash = Object.hasOwn(hashes, signature.hashAlgorithm) ? hashes[signature.hashAlgorithm] : undefined;
  if (hash === undefined) return { keyId, kind: 'weak-hash', reason: 'the signature uses a hash that is too weak, or unknown' };
  if (signature.type !== 0 || !rsaAlgorithms.has(signature.keyAlgorithm)) return { keyId, kind: 'bad', reason: 'the signature is not one by RSA over a document' };
  const unusable = await whyUnusable(signer.key, keyId);
  if (unusable !== undefined) return { keyId, kind: 'unusable-key', reason: unusable };
  const publicKey = toRsaKey(signer.part.keyPacket);
  if (publicKey === undefined) return { keyId, kind: 'unusable-key', reason: `the key is not RSA of ${minimumBits} bits or more` };
  const number = readNumber(signature.rest.subarray(2), publicKey.bytes);
  const trailer = Buffer.alloc(5);
  trailer.writeUInt8(signature.type, 0);
  trailer.writeUInt32BE(signature.created, 1);
  const holds = number !== undefined && createVerify(hash).update(data).update(trailer).verify(publicKey.key, number);
  return holds ? signer.key.getFingerprint().toUpperCase() : { keyId, kind: 'bad', reason: 'the signature does not fit the header' };
}

async function whyUnusable(key: Key, keyId: string): Promise<string | undefined> {
  const id = key.getKeyIDs().find((candidate) => candidate.toHex().toUpperCase() === keyId);
  try {
    await key.getSigningKey(id, new Date(), undefined, { ...libraryDefaults, allowMissingKeyFlags: true });
    return undefined;
  } catch (error) {
    return `the key cannot be used: ${errorMessage(error)}`;
  }
}

function toRsaKey(packet: { readonly publicParams: object }): { readonly key: KeyObject; readonly bytes: number } | undefined {
  const parameters = packet.publicParams;
  if (!('n' in parameters) || !('e' in parameters) || !ArrayBuffer.isView(parameters.n) || !ArrayBuffer.isView(parameters.e)) return undefined;
  const [n, e] = [toBase64(parameters.n), toBase64(parameters.e)];
  const key = createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < minimumBits ? undefined : { key, bytes: Math.ceil(bits / 8) };
}

function toBase64(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64url');
}

/** A multiprecision integer (bits, then bytes) with zeros before it to the length of the modulus. */
function readNumber(bytes: Buffer, length: number): Buffer | undefined {
  if (bytes.length < 2) return undefined;
  const size = Math.ceil(bytes.readUInt16BE(0) / 8);
  if (size > length || bytes.length < 2 + size) return undefined;
  return Buffer.concat([Buffer.alloc(length - size), bytes.subarray(2, 2 + size)]);
}
