import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { readKeyring } from '../keyring.js';
import { verifyCleartext, verifyDetached } from '../verify-signatures.js';

const now = new Date('2024-06-01T00:00:00Z');

function fixture(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, '..', '__fixtures__', name));
}

/** The input as a signed message, as a signature and as a keyring. */
export const target: FuzzTarget = {
  name: 'openpgp.signatures',
  seeds: () => ['both.clear', 'one.clear', 'one.sig', 'one.asc', 'two.sig', 'keys.gpg', 'one-key.asc'].map(fixture),
  run: async (input) => {
    const keyring = await readKeyring(fixture('keys.gpg'));
    const outcomes = await Promise.allSettled([
      verifyCleartext(input, { keyring, now }),
      verifyDetached(fixture('document.txt'), input, { keyring, now, allowWeakKeys: true, allowExpiredKeys: true }),
      readKeyring(input),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected' && !isMillraceError(outcome.reason)) throw outcome.reason;
  },
};
