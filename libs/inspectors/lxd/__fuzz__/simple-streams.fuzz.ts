import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseImageMetadata } from '../image-metadata.js';
import { parseStreams } from '../simple-streams.js';

const item = { ftype: 'squashfs', path: 'images/a/root.squashfs', sha256: '0'.repeat(64), size: 1 };
const products = { format: 'products:1.0', products: { 'sample:1:amd64': { arch: 'amd64', versions: { '1': { items: { squashfs: item } } } } } };
const index = { format: 'index:1.0', index: { images: { path: 'streams/v1/images.json', products: [] } } };

/** Documents of simple streams, and an image's metadata.yaml. */
export const target: FuzzTarget = {
  name: 'lxd.simple-streams',
  seeds: () => [
    Buffer.from(JSON.stringify(products)),
    Buffer.from(JSON.stringify(index)),
    Buffer.from('architecture: x86_64\nproperties:\n  description: x\n'),
  ],
  run: async (input) => {
    for (const read of [parseStreams, parseImageMetadata]) {
      try {
        read(input);
      } catch (error) {
        if (!isMillraceError(error)) throw error;
      }
    }
  },
};
