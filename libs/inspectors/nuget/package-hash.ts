import { refusal } from '../../inspection/refusal.js';
import type { HashAlgorithm } from './declared-package.js';

const lengths: Readonly<Record<HashAlgorithm, number>> = { sha512: 64, sha256: 32 };

/** A hash as indexes write it, in base64, as lower-case hex. Undefined when there is none; throws a reason when it is of no known kind. */
export function readPackageHash(hash: unknown, algorithm: unknown): { readonly algorithm: HashAlgorithm; readonly hash: string } | undefined {
  if (hash === undefined || hash === null || hash === '') return undefined;
  const name = typeof algorithm === 'string' && algorithm !== '' ? algorithm.toLowerCase().replace('-', '') : 'sha512';
  if (name !== 'sha512' && name !== 'sha256') throw refusal(`the index gives a package hash of the unsupported algorithm ${JSON.stringify(String(algorithm).slice(0, 32))}`);
  const bytes = typeof hash === 'string' && /^[A-Za-z0-9+/]{1,100}={0,2}$/.test(hash) ? Buffer.from(hash, 'base64') : Buffer.alloc(0);
  if (bytes.length !== lengths[name]) throw refusal('the index gives a package hash that is none');
  return { algorithm: name, hash: bytes.toString('hex') };
}
