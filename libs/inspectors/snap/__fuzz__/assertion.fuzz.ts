import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseAssertions } from '../assertion.js';
import { encodedKeyOf, isSignedByKey } from '../assertion-signature.js';

const key = `AcbBTQRWhcGAARAA${'A'.repeat(684)}AEQEAAQ==`;
const seed = `type: account-key\nauthority-id: store\nbody-length: ${key.length}\nsign-key-sha3-384: x\n\n${key}\n\nAcLDXAQAAQoABgUC${'A'.repeat(800)}\n`;

/** Streams of assertions, with the packets in them. */
export const target: FuzzTarget = {
  name: 'snap.assertion',
  seeds: () => [Buffer.from(seed), Buffer.from(`${seed}\n${seed}`)],
  run: async (input) => {
    try {
      for (const assertion of parseAssertions(input)) isSignedByKey(assertion, encodedKeyOf(assertion));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
