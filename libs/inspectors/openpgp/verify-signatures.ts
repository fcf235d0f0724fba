import { config as libraryDefaults, createMessage, enums, PacketList, readSignature, Signature, SignaturePacket, verify, type Key, type PartialConfig } from 'openpgp';
import { errorMessage } from '../../errors/error-message.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isArmored, readArmor } from './armor.js';
import { splitCleartext } from './cleartext.js';
import type { Keyring } from './keyring.js';

export interface VerifyOptions {
  readonly keyring: Keyring;
  /** The moment that keys have to be valid at; now unless told. Five minutes of clock difference are allowed. */
  readonly now?: Date;
  /** Also keys that are too short to be believed: DSA, and RSA from 1024 bits on. Off unless an operator asks for it. */
  readonly allowWeakKeys?: boolean;
  /** Also keys that have expired since, if they were valid when they signed. Off unless an operator asks for it. */
  readonly allowExpiredKeys?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface SignatureFailure {
  /** Upper-case hex of the key that the signature names, 16 digits. */
  readonly keyId: string;
  /**
   * `unknown-key`: not in the keyring, so nothing is known. `bad`: the key is there, and the data is not what it signed, or the signature is expired or
   * from the future. `unusable-key`: expired, revoked, too weak or not made for signing. `weak-hash`: MD5, SHA-1 or RIPEMD-160.
   */
  readonly kind: 'unknown-key' | 'bad' | 'unusable-key' | 'weak-hash';
  readonly reason: string;
}

export interface SignatureCheck {
  /** Fingerprints (upper-case hex) of the primary keys that signed the data, by themselves or by a subkey; each once. Empty: not verified. */
  readonly verifiedBy: readonly string[];
  /** The signatures that did not verify. Whoever asks decides: unknown keys beside a good signature are usual, `bad` never is. */
  readonly failures: readonly SignatureFailure[];
}

const maxSignatureBytes = 256 * 1024;
const maxSignatures = 16;
const clockDifference = 5 * 60_000;
const weakHashes: ReadonlySet<number> = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd]);

/**
 * Verifies a detached signature (`Release.gpg`, `repomd.xml.asc`, the signature tag of a package header), armored or binary, over all of `data`.
 * Resolves whether or not a signature holds: look at `verifiedBy`. Throws a reason when there is no readable signature at all. Asks no network.
 */
export function verifyDetached(data: Buffer, signature: Buffer, options: VerifyOptions): Promise<SignatureCheck> {
  return verifyAll(data, signature, { ...options, types: [enums.signature.binary, enums.signature.text] });
}

/** Verifies a cleartext-signed message (`InRelease`, `.dsc`). Read only `text`: the rest of the file is signed by nobody. Otherwise as `verifyDetached`. */
export async function verifyCleartext(message: Buffer, options: VerifyOptions): Promise<SignatureCheck & { readonly text: Buffer }> {
  const { signed, signature, text } = splitCleartext(message);
  const check = await verifyAll(signed, signature, { ...options, types: [enums.signature.text] });
  return { ...check, text };
}

/** What was wrong with the signatures, for the reason of an opinion; empty when nothing was. */
export function describeFailures(failures: readonly SignatureFailure[]): string {
  return failures
    .slice(0, 4)
    .map(({ keyId, reason }) => `${keyId}: ${reason}`)
    .join('; ');
}

/** `signedBy` of an artefact's metadata. */
export function signedByMetadata(fingerprints: readonly string[]): string {
  return fingerprints.map((fingerprint) => `openpgp:${fingerprint}`).join(' ');
}

interface Subject extends VerifyOptions {
  readonly types: readonly enums.signature[];
}

async function verifyAll(data: Buffer, signature: Buffer, options: Subject): Promise<SignatureCheck> {
  const verifiedBy = new Set<string>();
  const failures: SignatureFailure[] = [];
  for (const packet of await readPackets(signature)) {
    options.signal?.throwIfAborted();
    const outcome = await verifyPacket(data, packet, options);
    if (typeof outcome === 'string') verifiedBy.add(outcome);
    else failures.push(outcome);
  }
  return { verifiedBy: [...verifiedBy], failures };
}

async function readPackets(signature: Buffer): Promise<readonly SignaturePacket[]> {
  if (signature.length > maxSignatureBytes) throw limitExceeded(`the signature is larger than ${maxSignatureBytes} bytes`);
  const blocks = isArmored(signature) ? readArmor(signature, 'PGP SIGNATURE') : [signature];
  const packets: SignaturePacket[] = [];
  for (const block of blocks) {
    try {
      const read = await readSignature({ binarySignature: new Uint8Array(block) });
      // Versions that the library does not know are left out: they verify nothing.
      packets.push(...read.packets.filter((packet) => packet instanceof SignaturePacket));
    } catch (error) {
      throw refusal(`the OpenPGP signature cannot be read: ${errorMessage(error)}`, error);
    }
  }
  if (packets.length === 0) throw refusal('the file holds no OpenPGP signature of a known version');
  if (packets.length > maxSignatures) throw limitExceeded(`the file holds more than ${maxSignatures} signatures`);
  return packets;
}

/** The fingerprint of the primary key that made the signature, or why it does not count. */
async function verifyPacket(data: Buffer, packet: SignaturePacket, options: Subject): Promise<string | SignatureFailure> {
  const keyId = packet.issuerKeyID.toHex().toUpperCase();
  const candidates = options.keyring.keys.filter((key) => key.getKeys(packet.issuerKeyID).length > 0);
  if (candidates.length === 0) return { keyId, kind: 'unknown-key', reason: 'the key is not known here' };
  if (packet.signatureType === null || !options.types.includes(packet.signatureType)) return { keyId, kind: 'bad', reason: 'the signature is not one over a document' };
  if (packet.hashAlgorithm === null || weakHashes.has(packet.hashAlgorithm)) return { keyId, kind: 'weak-hash', reason: 'the signature uses a hash that is too weak (MD5, SHA-1 or RIPEMD-160)' };
  // Of a key that is there in several states, one has to verify; `bad` is told before `unusable-key`.
  let bad: string | undefined;
  let unusable: string | undefined;
  for (const key of candidates) {
    const why = await whyUnusable(key, packet, options);
    unusable ??= why;
    if (why !== undefined) continue;
    bad = await whyBad(data, packet, { key, options });
    if (bad === undefined) return key.getFingerprint().toUpperCase();
  }
  return bad === undefined ? { keyId, kind: 'unusable-key', reason: unusable ?? '' } : { keyId, kind: 'bad', reason: bad };
}

/** Expired, revoked, too weak, no signing key: at this moment, and with expired keys allowed at that of the signature. */
async function whyUnusable(key: Key, packet: SignaturePacket, options: VerifyOptions): Promise<string | undefined> {
  const now = options.now ?? new Date();
  const moment = options.allowExpiredKeys === true ? (packet.created ?? now) : now;
  try {
    // A revocation counts whenever it was made.
    if (await key.isRevoked(undefined, undefined, now)) return 'the key is revoked';
    await key.getSigningKey(packet.issuerKeyID, moment, undefined, { ...libraryDefaults, ...keyRules(options) });
    return undefined;
  } catch (error) {
    return `the key cannot be used: ${errorMessage(error)}`;
  }
}

async function whyBad(data: Buffer, packet: SignaturePacket, { key, options }: { key: Key; options: VerifyOptions }): Promise<string | undefined> {
  const one = new PacketList<SignaturePacket>();
  one.push(packet);
  const { signatures } = await verify({
    message: await createMessage({ binary: new Uint8Array(data.buffer, data.byteOffset, data.length) }),
    signature: new Signature(one),
    verificationKeys: [key],
    date: new Date((options.now ?? new Date()).getTime() + clockDifference),
    format: 'binary',
    config: keyRules(options),
  });
  const [result] = signatures;
  if (result === undefined) return 'the signature is not one over a document';
  try {
    await result.verified;
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

function keyRules(options: VerifyOptions): PartialConfig {
  const weak = options.allowWeakKeys === true;
  return {
    minRSABits: weak ? 1023 : 2047,
    rejectPublicKeyAlgorithms: new Set(weak ? [enums.publicKey.elgamal] : [enums.publicKey.elgamal, enums.publicKey.dsa]),
    // Keys older than the flags may do what their algorithm can, as for GnuPG.
    allowMissingKeyFlags: true,
    // An archive that prolongs its key makes new self-signatures, which are younger than what it signed before.
    allowInsecureVerificationWithReformattedKeys: true,
  };
}
