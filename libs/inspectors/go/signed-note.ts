import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { refusal } from '../../inspection/refusal.js';

/** A key that signs notes, from its text `name+hash+key`. */
export interface VerifierKey {
  readonly name: string;
  /** First four bytes of the hash of name and key: tells keys of one name apart. */
  readonly hash: Buffer;
  readonly key: KeyObject;
}

const ed25519 = 1;
/** What stands before the 32 bytes of an Ed25519 key in its DER form. */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const maxSignatures = 100;

/** Throws the reason when the text is not that of a key. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', hash = '', encoded = ''] = /^([^+\s]{1,512})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  const expected = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').slice(0, 8);
  if (bytes.length !== 33 || bytes[0] !== ed25519 || hash !== expected) throw refusal('"go.sumdb" of the inspectors configuration holds something that is not a verifier key');
  return { name, hash: Buffer.from(hash, 'hex'), key: createPublicKey({ key: Buffer.concat([derPrefix, bytes.subarray(1)]), format: 'der', type: 'spki' }) };
}

/** The text of a note with its signatures below an empty line. Throws the reason when it has none. */
export function splitNote(note: string): { readonly text: string; readonly signatures: readonly string[] } {
  const end = note.lastIndexOf('\n\n');
  const signatures = end < 0 ? [] : note.slice(end + 2).split('\n', maxSignatures + 1);
  if (signatures.pop() !== '' || signatures.length === 0 || !signatures.every((line) => line.startsWith('— '))) throw refusal('the note is not signed');
  return { text: note.slice(0, end + 1), signatures };
}

/** Whether one of the signatures is the key's. */
export function isSignedBy(key: VerifierKey, { text, signatures }: ReturnType<typeof splitNote>): boolean {
  return signatures.some((line) => {
    const [, name, encoded = ''] = line.split(' ');
    const bytes = Buffer.from(encoded, 'base64');
    if (name !== key.name || bytes.length !== 68 || !bytes.subarray(0, 4).equals(key.hash)) return false;
    return verify(null, Buffer.from(text), key.key, bytes.subarray(4));
  });
}
