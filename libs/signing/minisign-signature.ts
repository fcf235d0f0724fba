import { createHash, verify } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';
import { idSize, keyIdText, keyLine, keySize, publicKeyOf, signatureSize, trustedComment } from './minisign-format.js';

export interface MinisignCheck {
  /** Lines of base64, or whole files as `minisign -G` writes them; one of them has to have signed. */
  readonly publicKeys: readonly string[];
  readonly content: Buffer;
  /** The file `.minisig`. */
  readonly signature: string;
}

export interface VerifiedMinisign {
  /** As minisign shows it. */
  readonly keyId: string;
  /** Signed too: `timestamp:1795292752\tfile:repo\thashed`. */
  readonly comment: string;
}

const longest = 16 * 1024;

/** What `minisign -V` does. Errors: `source-invalid` (no signature, of another key, of other bytes), `invalid-setting` (no public key). */
export function verifyMinisign({ publicKeys, content, signature }: MinisignCheck): VerifiedMinisign {
  const keys = publicKeys.map(readPublicKey);
  const { algorithm, id, bytes, comment, about } = readSignature(signature);
  const key = keys.find((each) => each.id.equals(id));
  if (key === undefined) throw invalid(`it is of the key ${keyIdText(id)}; trusted: ${keys.map((each) => keyIdText(each.id)).join(', ')}`);
  const signed = algorithm === 'ED' ? createHash('blake2b512').update(content).digest() : content;
  if (!verify(null, signed, key.key, bytes)) throw invalid('it is not of these bytes');
  if (!verify(null, Buffer.concat([bytes, Buffer.from(comment)]), key.key, about)) throw invalid('its comment was changed');
  return { keyId: keyIdText(id), comment };
}

/** Errors: `invalid-setting`. */
function readPublicKey(text: string) {
  const bytes = Buffer.from(keyLine(text) ?? '', 'base64');
  if (bytes.length !== 2 + idSize + keySize || bytes.toString('latin1', 0, 2) !== 'Ed') {
    throw new MillraceError('invalid-setting', `${JSON.stringify(text.slice(0, 100))} is no public key of minisign`, { suggestion: 'Give the second line of the file minisign.pub.' });
  }
  return { id: bytes.subarray(2, 2 + idSize), key: publicKeyOf(bytes.subarray(2 + idSize)) };
}

function readSignature(text: string) {
  if (text.length > longest) throw invalid(`it has ${text.length} characters`);
  const [, line = '', third = '', last = ''] = text.split(/\r?\n/);
  const [bytes, about] = [Buffer.from(line, 'base64'), Buffer.from(last, 'base64')];
  const algorithm = bytes.toString('latin1', 0, 2);
  if (bytes.length !== 2 + idSize + signatureSize || about.length !== signatureSize || !third.startsWith(trustedComment) || !['ED', 'Ed'].includes(algorithm)) throw invalid('it is no signature of minisign');
  return { algorithm, id: bytes.subarray(2, 2 + idSize), bytes: bytes.subarray(2 + idSize), comment: third.slice(trustedComment.length), about };
}

function invalid(what: string): MillraceError {
  return new MillraceError('source-invalid', `the signature does not hold: ${what}`);
}
