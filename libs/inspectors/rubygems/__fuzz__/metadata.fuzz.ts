import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { sampleMetadata } from '../__fixtures__/sample-gem.js';
import { readGemMetadata } from '../gem-metadata.js';

export const target: FuzzTarget = {
  name: 'gem.metadata',
  seeds: () => [Buffer.from(sampleMetadata)],
  run: async (input) => {
    try {
      readGemMetadata(input);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
