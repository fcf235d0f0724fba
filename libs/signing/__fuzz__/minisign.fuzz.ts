import { generateKeyPairSync } from 'node:crypto';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { openMinisignKey } from '../minisign-key.js';
import { verifyMinisign } from '../minisign-signature.js';

const half = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const publicKey = Buffer.concat([Buffer.from('Ed12345678'), half]).toString('base64');
const signature = `untrusted comment: x\n${Buffer.concat([Buffer.from('ED12345678'), Buffer.alloc(64, 7)]).toString('base64')}\ntrusted comment: y\n${Buffer.alloc(64, 7).toString('base64')}\n`;
const secret = Buffer.concat([Buffer.from('Ed\0\0B2'), Buffer.alloc(152, 1)]).toString('base64');

export const targets: readonly FuzzTarget[] = [
  { name: 'minisign.signature', seeds: () => [Buffer.from(signature)], run: async (input) => void verifyMinisign({ publicKeys: [publicKey], content: input, signature: input.toString('utf8') }) },
  { name: 'minisign.public-key', seeds: () => [Buffer.from(publicKey)], run: async (input) => void verifyMinisign({ publicKeys: [input.toString('utf8')], content: input, signature }) },
  { name: 'minisign.secret-key', seeds: () => [Buffer.from(secret)], run: async (input) => void (await openMinisignKey('fuzzed', { text: input.toString('utf8'), password: undefined })) },
];
