import { createHash, scrypt, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { idSize, keyIdText, keyLine, keySize, privateKeyOf, publicBytesOf, signatureComment, trustedComment } from './minisign-format.js';
import { wrongKey } from './openpgp-key.js';
import type { SigningKey } from './signer.js';

export interface MinisignSigner {
  readonly key: SigningKey;
  /** The file that `minisign -S` writes. The same content and time give the same bytes. `at`: RFC 3339. */
  sign(content: Buffer, about: { readonly fileName: string; readonly at: string }): string;
}

export interface MinisignSecret {
  /** The file of `minisign -G`, or its base64 line alone. */
  readonly text: string;
  readonly password: string | undefined;
}

interface LockedKey {
  readonly encrypted: boolean;
  readonly salt: Buffer;
  readonly operations: number;
  readonly memory: number;
  /** Id, secret and public half, checksum. */
  readonly body: Buffer;
}

const derive = promisify<string, Buffer, number, { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number }, Buffer>(scrypt);
const secretSize = 158;
const bodyAt = 54;
/** What minisign takes to protect a key: a GiB of memory for some seconds, once. */
const largestMemory = 2 ** 30;
const mostOperations = 2 ** 27;
const blockSize = 8;

/** A minisign key whose secret half the service has. Errors: `invalid-setting` (no secret key, a wrong password), without a word of either. */
export async function openMinisignKey(name: string, { text, password }: MinisignSecret): Promise<MinisignSigner> {
  const body = await unlock(name, readSecretKey(name, text), password);
  const [id, seed, half] = [body.subarray(0, idSize), body.subarray(idSize, idSize + keySize), body.subarray(idSize + keySize, idSize + 2 * keySize)];
  const secret = privateKeyOf(seed);
  if (!publicBytesOf(secret).equals(half)) throw wrongKey(name, password === undefined ? 'its secret key is damaged' : 'the password does not open its secret key');
  return {
    key: { name, kind: 'minisign', fingerprint: keyIdText(id), publicKey: Buffer.concat([Buffer.from('Ed'), id, half]).toString('base64'), expiresAt: null, held: 'service' },
    sign(content, { fileName, at }) {
      const signature = sign(null, createHash('blake2b512').update(content).digest(), secret);
      const comment = `timestamp:${Math.floor(Date.parse(at) / 1000)}\tfile:${fileName}\thashed`;
      const about = sign(null, Buffer.concat([signature, Buffer.from(comment)]), secret);
      const line = Buffer.concat([Buffer.from('ED'), id, signature]).toString('base64');
      return `${signatureComment}\n${line}\n${trustedComment}${comment}\n${about.toString('base64')}\n`;
    },
  };
}

function readSecretKey(name: string, text: string): LockedKey {
  const bytes = Buffer.from(keyLine(text) ?? '', 'base64');
  const suggestion = 'Give the file of minisign -G, or its second line.';
  if (bytes.length === 2 + idSize + keySize) throw wrongKey(name, 'secret-key names a public key', suggestion);
  if (bytes.length !== secretSize || bytes.toString('latin1', 0, 2) !== 'Ed' || bytes.toString('latin1', 4, 6) !== 'B2') throw wrongKey(name, 'its secret half is no minisign key', suggestion);
  const encrypted = bytes.toString('latin1', 2, 4) === 'Sc';
  if (!encrypted && bytes.readUInt16LE(2) !== 0) throw wrongKey(name, 'its secret key is protected in a way that is not known');
  const [operations, memory] = [Number(bytes.readBigUInt64LE(38)), Number(bytes.readBigUInt64LE(46))];
  if (operations > mostOperations || memory > largestMemory) throw wrongKey(name, `its protection asks for ${memory} bytes of memory and ${operations} operations, which is too much`);
  return { encrypted, salt: bytes.subarray(6, 38), operations, memory, body: bytes.subarray(bodyAt) };
}

async function unlock(name: string, locked: LockedKey, password: string | undefined): Promise<Buffer> {
  if (!locked.encrypted) return locked.body;
  if (password === undefined) throw wrongKey(name, 'its secret key has a password, and none is given', 'Name the password with password: {file: …} or password: {env: …}.');
  const stream = await derive(password, locked.salt, locked.body.length, scryptParameters(locked));
  return locked.body.map((byte, index) => byte ^ (stream[index] as number)) as Buffer;
}

/** As libsodium makes them of the two limits, which the key names. */
function scryptParameters({ operations, memory }: Pick<LockedKey, 'operations' | 'memory'>): { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number } {
  const limit = Math.max(operations, 32_768);
  const scarce = limit >= memory / 32;
  const most = Math.floor(scarce ? memory / (blockSize * 128) : limit / (blockSize * 4));
  let exponent = 1;
  while (exponent < 63 && 2 ** exponent <= most / 2) exponent += 1;
  const parallel = scarce ? Math.floor(Math.min(limit / 4 / 2 ** exponent, 0x3fffffff) / blockSize) : 1;
  const N = 2 ** exponent;
  return { N, r: blockSize, p: Math.max(1, parallel), maxmem: 128 * blockSize * (N + parallel + 2) };
}
