import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { sampleMetadata } from '../__fixtures__/sample-hex.js';
import { readHexMetadata } from '../hex-metadata.js';

export const target: FuzzTarget = {
  name: 'hex.metadata',
  seeds: () => [Buffer.from(sampleMetadata)],
  run: async (input) => {
    try {
      readHexMetadata(input);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
