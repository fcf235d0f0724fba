import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { buildSampleImage } from '../__fixtures__/sample-image.js';
import { parseImageConfig } from '../image-metadata.js';
import { parseManifest } from '../manifest.js';

/** The three documents of an image, each tried as any. */
export const target: FuzzTarget = {
  name: 'oci.manifest',
  seeds: () => {
    const { config, manifest, index } = buildSampleImage();
    return [config.bytes, manifest.bytes, index.bytes];
  },
  run: async (input) => {
    refuseOrRead(() => parseManifest(input, ''));
    refuseOrRead(() => parseImageConfig(input));
  },
};

function refuseOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isMillraceError(error)) throw error;
  }
}
