import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { sampleSnap } from '../__fixtures__/sample-snap.js';
import { randomAccessTo } from '../random-access.js';
import { parseSnapYaml, snapYamlLimit } from '../snap-yaml.js';
import { readSquashfsFile, readSuperblock } from '../squashfs.js';

/** Squashfs images and the snap.yaml in them. */
export const target: FuzzTarget = {
  name: 'snap.squashfs',
  seeds: () => [sampleSnap('gzip'), sampleSnap('xz'), sampleSnap('zstd')],
  run: async (input) => {
    try {
      const access = randomAccessTo(input);
      const superblock = await readSuperblock(access);
      parseSnapYaml(await readSquashfsFile(access, superblock, { path: ['meta', 'snap.yaml'], limit: snapYamlLimit }));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
