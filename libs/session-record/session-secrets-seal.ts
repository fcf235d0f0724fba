import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';
import type { SessionSecret } from '../session/session-secrets.js';

const nonceLength = 12;
const tagLength = 16;

/** Only who is shown the token can open them again: the database holds neither the token nor the key. */
export function sealSecrets(sessionId: string, token: string, secrets: readonly SessionSecret[]): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', keyFor(sessionId, token), nonce).setAAD(Buffer.from(sessionId));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(secrets), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/** Errors: `record-corrupt` when the text was changed, or sealed for another session or token. */
export function openSecrets(sessionId: string, token: string, sealed: Buffer): readonly SessionSecret[] {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyFor(sessionId, token), sealed.subarray(0, nonceLength), { authTagLength: tagLength })
      .setAAD(Buffer.from(sessionId))
      .setAuthTag(sealed.subarray(nonceLength, nonceLength + tagLength));
    const text = Buffer.concat([decipher.update(sealed.subarray(nonceLength + tagLength)), decipher.final()]).toString('utf8');
    return JSON.parse(text) as SessionSecret[];
  } catch (cause) {
    throw new MillraceError('record-corrupt', `the sealed credentials of session ${sessionId} cannot be opened`, { cause });
  }
}

function keyFor(sessionId: string, token: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, sessionId, 'millrace session secrets', 32));
}
