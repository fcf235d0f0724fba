import { generateKeyPairSync } from 'node:crypto';

/** A new secret key as minisign keeps one without a password: its base64 line. */
export function madeSecretKey(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const [seed, half] = [privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32), publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)];
  return Buffer.concat([Buffer.from('Ed\0\0B2'), Buffer.alloc(48), Buffer.from('12345678'), seed, half, Buffer.alloc(32)]).toString('base64');
}
