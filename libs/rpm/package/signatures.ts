import { refusal } from '../../inspection/refusal.js';
import type { RpmHeader } from './header.js';
import { signatureTag } from './tags.js';

/** One OpenPGP signature of a package. */
export interface PackageSignature {
  /** `header`: over the main header, which has the payload's digest. `header-and-payload`: of the format v3, over both. */
  readonly covers: 'header' | 'header-and-payload';
  /** OpenPGP packets, binary. */
  readonly packet: Buffer;
  readonly info: SignatureInfo;
}

/** What a signature packet says of itself; nothing of it is verified. RFC 9580, section 5.2. */
export interface SignatureInfo {
  /** Of the packet: 3, 4 or 6. */
  readonly version: number;
  /** 0: over a binary document, as rpm's are. */
  readonly type: number;
  readonly keyAlgorithm: number;
  readonly hashAlgorithm: number;
  /** Seconds since 1970; 0 when it does not say. */
  readonly created: number;
  /** Upper-case hex, 16 digits; empty when it names no key. */
  readonly keyId: string;
  /** Of version 3: what follows the fields above, two bytes of the hash and the signature's numbers. */
  readonly rest: Buffer;
}

/** The packets of v6 are at most this many. */
const maxSignatures = 32;

/** All signatures in a signature header. Throws a reason when one is no OpenPGP signature. */
export function listSignatures(signature: RpmHeader): readonly PackageSignature[] {
  const texts = signature.strings(signatureTag.openpgp);
  if (texts.length > maxSignatures) throw refusal(`the package has more than ${maxSignatures} signatures`);
  const ofHeader = [...texts.map((text) => Buffer.from(text, 'base64')), signature.bytes(signatureTag.rsaHeader), signature.bytes(signatureTag.dsaHeader)];
  const ofBoth = [signature.bytes(signatureTag.pgp), signature.bytes(signatureTag.gpg)];
  return [...ofHeader.flatMap((packet) => toSignature('header', packet)), ...ofBoth.flatMap((packet) => toSignature('header-and-payload', packet))];
}

function toSignature(covers: PackageSignature['covers'], packet: Buffer | undefined): PackageSignature[] {
  return packet === undefined ? [] : [{ covers, packet, info: parseSignaturePacket(packet) }];
}

/** Reads the first packet of `bytes`, which must be a signature of version 3, 4 or 6. */
export function parseSignaturePacket(bytes: Buffer): SignatureInfo {
  const body = packetBody(bytes);
  const version = body?.[0];
  if (body === undefined || body.length < 8 || (version !== 3 && version !== 4 && version !== 6)) throw refusal('the package has a signature that is no OpenPGP signature of a known version');
  return version === 3 ? parseVersion3(body) : parseWithSubpackets(body, version);
}

/** RFC 9580, section 4.2: both packet formats, without partial and indeterminate lengths, which signatures never have. */
function packetBody(bytes: Buffer): Buffer | undefined {
  const header = bytes[0] ?? 0;
  if ((header & 0x80) === 0) return undefined;
  const old = (header & 0x40) === 0;
  if ((old ? (header >> 2) & 15 : header & 63) !== 2) return undefined;
  const length = old ? oldLength(bytes, header & 3) : newLength(bytes, 1);
  if (length === undefined || length.next + length.value > bytes.length) return undefined;
  return bytes.subarray(length.next, length.next + length.value);
}

interface Length {
  readonly value: number;
  /** Where what follows it begins. */
  readonly next: number;
}

function oldLength(bytes: Buffer, kind: number): Length | undefined {
  const width = [1, 2, 4][kind];
  return width === undefined || bytes.length < 1 + width ? undefined : { value: bytes.readUIntBE(1, width), next: 1 + width };
}

/** Also the length of a subpacket, with which it differs only in partial lengths. */
function newLength(bytes: Buffer, at: number): Length | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 192) return { value: first, next: at + 1 };
  if (first < 255) return at + 2 > bytes.length ? undefined : { value: ((first - 192) << 8) + (bytes[at + 1] as number) + 192, next: at + 2 };
  return at + 5 > bytes.length ? undefined : { value: bytes.readUInt32BE(at + 1), next: at + 5 };
}

function parseVersion3(body: Buffer): SignatureInfo {
  if (body.length < 19 || body[1] !== 5) throw refusal('the package has a damaged OpenPGP signature');
  return {
    version: 3,
    type: body[2] as number,
    created: body.readUInt32BE(3),
    keyId: body.toString('hex', 7, 15).toUpperCase(),
    keyAlgorithm: body[15] as number,
    hashAlgorithm: body[16] as number,
    rest: body.subarray(17),
  };
}

function parseWithSubpackets(body: Buffer, version: number): SignatureInfo {
  const width = version === 6 ? 4 : 2;
  let [created, keyId] = [0, ''];
  let at = 4;
  // The hashed subpackets, then the others.
  for (let area = 0; area < 2; area += 1) {
    const start = at + width;
    const end = start > body.length ? undefined : start + body.readUIntBE(at, width);
    if (end === undefined || end > body.length) throw refusal('the package has a damaged OpenPGP signature');
    for (const { type, value } of subpackets(body.subarray(start, end))) {
      if (type === 2 && value.length === 4) created = value.readUInt32BE(0);
      if (type === 16 && value.length === 8 && keyId === '') keyId = value.toString('hex').toUpperCase();
      if (type === 33 && value.length > 20) keyId = issuerKeyId(value);
    }
    at = end;
  }
  return { version, type: body[1] as number, keyAlgorithm: body[2] as number, hashAlgorithm: body[3] as number, created, keyId, rest: Buffer.alloc(0) };
}

/** Version 4 fingerprints end with the key id, those of version 6 begin with it. */
function issuerKeyId(value: Buffer): string {
  return (value[0] === 4 ? value.subarray(-8) : value.subarray(1, 9)).toString('hex').toUpperCase();
}

function* subpackets(area: Buffer): Generator<{ readonly type: number; readonly value: Buffer }> {
  for (let at = 0; at < area.length; ) {
    const length = newLength(area, at);
    if (length === undefined || length.value === 0 || length.next + length.value > area.length) throw refusal('the package has a damaged OpenPGP signature');
    yield { type: (area[length.next] as number) & 0x7f, value: area.subarray(length.next + 1, length.next + length.value) };
    at = length.next + length.value;
  }
}
