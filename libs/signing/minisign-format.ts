import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** Base64 of the file's line that is no comment. HaikuPorter's secrets have that line alone. Undefined: there is none, or more than one. */
export function keyLine(text: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('untrusted comment:'));
  const [line = ''] = lines;
  return lines.length === 1 && /^[A-Za-z0-9+/]+={0,2}$/.test(line.trim()) ? line.trim() : undefined;
}

/** Of DER: what stands before the 32 bytes of an Ed25519 key. */
const privateHead = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicHead = Buffer.from('302a300506032b6570032100', 'hex');

export function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privateHead, seed]), format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicHead, bytes]), format: 'der', type: 'spki' });
}

/** The 32 bytes of a public key. */
export function publicBytesOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicHead.length);
}

/** As minisign shows the 8 bytes of a key's id: a number, its last byte first, without zeros before it. */
export function keyIdText(id: Buffer): string {
  return id.readBigUInt64LE().toString(16).toUpperCase();
}

export const idSize = 8;
export const keySize = 32;
export const signatureSize = 64;
export const signatureComment = 'untrusted comment: signature from minisign secret key';
export const trustedComment = 'trusted comment: ';
