import { readKeys, type Key } from 'openpgp';
import { errorMessage } from '../../errors/error-message.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isArmored, readArmor } from './armor.js';

/** Public keys that signatures are verified against. Reading one takes milliseconds a key: read it once and keep it. */
export interface Keyring {
  /** Fingerprints of the primary keys, upper-case hex, each once. */
  readonly fingerprints: readonly string[];
  /** For `verify-signatures.ts`. The same key may be there more than once, in an older and a newer state: one of them has to verify. */
  readonly keys: readonly Key[];
}

const maxBytes = 8 * 1024 * 1024;
const maxKeys = 1000;

/** Reads public keys, armored (several blocks in one text) or binary (several keys one after the other). Throws a reason for what is no keyring. */
export async function readKeyring(bytes: Buffer): Promise<Keyring> {
  if (bytes.length > maxBytes) throw limitExceeded(`the keyring is larger than ${maxBytes} bytes`);
  if (bytes.toString('latin1', 8, 12) === 'KBXf') throw refusal('the keyring is a keybox of GnuPG, not OpenPGP keys: export them with gpg --export');
  const blocks = isArmored(bytes) ? readArmor(bytes, 'PGP PUBLIC KEY BLOCK') : [bytes];
  const keys: Key[] = [];
  for (const block of blocks) keys.push(...(await readBlock(block)));
  return toKeyring(keys);
}

/** One keyring of several. */
export function joinKeyrings(keyrings: readonly Keyring[]): Keyring {
  return toKeyring(keyrings.flatMap(({ keys }) => keys));
}

async function readBlock(block: Buffer): Promise<readonly Key[]> {
  let keys: readonly Key[];
  try {
    keys = await readKeys({ binaryKeys: new Uint8Array(block) });
  } catch (error) {
    throw refusal(`the public keys cannot be read: ${errorMessage(error)}`, error);
  }
  if (keys.some((key) => key.isPrivate())) throw refusal('the keyring holds a private key: only public keys belong here');
  return keys;
}

function toKeyring(keys: readonly Key[]): Keyring {
  if (keys.length > maxKeys) throw limitExceeded(`the keyring has more than ${maxKeys} keys`);
  return { keys, fingerprints: [...new Set(keys.map((key) => key.getFingerprint().toUpperCase()))] };
}
