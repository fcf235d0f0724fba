import { createHash, createPublicKey, createVerify, type KeyObject } from 'node:crypto';
import { refusal } from '../../inspection/refusal.js';

/**
 * The two bare packets that assertions use (RFC 4880, 4.2, 5.2.3 and 5.5.2), which OpenPGP libraries take only as parts of whole keys and
 * messages: an RSA public key of version 4, and an RSA signature of version 4 over binary data with SHA-512.
 */
const publicKeyTag = 6;
const signatureTag = 2;
const rsa = 1;
const sha512 = 10;
const binaryDocument = 0;
const minModulusBits = 2048;
const maxModulusBits = 16_384;

/** Throws the reason for what is not one RSA public key packet. */
export function readPublicKeyPacket(bytes: Buffer): KeyObject {
  const body = readPacket(bytes, publicKeyTag);
  if (body[0] !== 4 || body[5] !== rsa) throw refusal('the key is not one of RSA');
  const modulus = readNumber(body, 6);
  const exponent = readNumber(body, modulus.end);
  if (exponent.end !== body.length) throw refusal('the OpenPGP packet has more than a key');
  const bits = modulus.bytes.length * 8;
  if (bits < minModulusBits || bits > maxModulusBits || exponent.bytes.length > 8) throw refusal(`the RSA key has ${bits} bits`);
  return createPublicKey({ key: { kty: 'RSA', n: modulus.bytes.toString('base64url'), e: exponent.bytes.toString('base64url') }, format: 'jwk' });
}

/** Whether a signature packet is one by the key over these bytes. Throws the reason for what is not one such packet. */
export function isSignatureOf(packet: Buffer, key: KeyObject, signed: Buffer): boolean {
  const body = readPacket(packet, signatureTag);
  if (body.length < 10 || body[0] !== 4 || body[1] !== binaryDocument || body[2] !== rsa || body[3] !== sha512) {
    throw refusal('the signature is not one of RSA with SHA-512 over binary data');
  }
  const hashedEnd = 6 + body.readUInt16BE(4);
  if (hashedEnd + 2 > body.length) throw refusal('the OpenPGP packet is truncated');
  const checkAt = hashedEnd + 2 + body.readUInt16BE(hashedEnd);
  const value = readNumber(body, checkAt + 2);
  if (value.end !== body.length) throw refusal('the OpenPGP packet has more than a signature');
  const trailer = Buffer.from([4, 0xff, 0, 0, 0, 0]);
  trailer.writeUInt32BE(hashedEnd, 2);
  const suffix = Buffer.concat([body.subarray(0, hashedEnd), trailer]);
  // The first two bytes of the hash are there so that a wrong key is told early; RFC 4880 wants them right.
  if (
    !createHash('sha512')
      .update(signed)
      .update(suffix)
      .digest()
      .subarray(0, 2)
      .equals(body.subarray(checkAt, checkAt + 2))
  )
    return false;
  // OpenPGP drops leading zeros, which the signature itself has.
  const size = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  const signature = Buffer.concat([Buffer.alloc(Math.max(0, size - value.bytes.length)), value.bytes]);
  return createVerify('sha512').update(signed).update(suffix).verify(key, signature);
}

/** The body of the one packet that the bytes are. */
function readPacket(bytes: Buffer, tag: number): Buffer {
  const first = bytes[0] ?? 0;
  const isNew = (first & 0xc0) === 0xc0;
  const header = isNew ? newHeader(bytes) : oldHeader(bytes);
  const found = isNew ? first & 0x3f : (first & 0x3c) >> 2;
  if ((first & 0x80) === 0 || found !== tag || header === undefined || header.start + header.length !== bytes.length) {
    throw refusal('there is not exactly one OpenPGP packet of the expected kind');
  }
  return bytes.subarray(header.start);
}

function newHeader(bytes: Buffer): { start: number; length: number } | undefined {
  const [, one = 0, two = 0] = bytes;
  if (one < 192) return { start: 2, length: one };
  if (one < 224) return { start: 3, length: ((one - 192) << 8) + two + 192 };
  return one === 255 && bytes.length >= 6 ? { start: 6, length: bytes.readUInt32BE(2) } : undefined;
}

function oldHeader(bytes: Buffer): { start: number; length: number } | undefined {
  switch ((bytes[0] ?? 0) & 3) {
    case 0:
      return { start: 2, length: bytes[1] ?? 0 };
    case 1:
      return bytes.length < 3 ? undefined : { start: 3, length: bytes.readUInt16BE(1) };
    case 2:
      return bytes.length < 5 ? undefined : { start: 5, length: bytes.readUInt32BE(1) };
    default:
      return undefined;
  }
}

/** A multi-precision integer: its length in bits, then its bytes. */
function readNumber(body: Buffer, offset: number): { bytes: Buffer; end: number } {
  if (offset + 2 > body.length) throw refusal('the OpenPGP packet is truncated');
  const end = offset + 2 + Math.ceil(body.readUInt16BE(offset) / 8);
  if (end > body.length) throw refusal('the OpenPGP packet is truncated');
  return { bytes: body.subarray(offset + 2, end), end };
}
