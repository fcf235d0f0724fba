import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { msgpack } from '../__fixtures__/sample-conda.js';
import { readMsgpack } from '../msgpack-reader.js';

export const target: FuzzTarget = {
  name: 'conda.msgpack',
  seeds: () => [msgpack({ info: { subdir: 'noarch' }, shards: { a: Buffer.alloc(32) }, more: [1, -1.5, null, true] })],
  run: async (input) => {
    try {
      readMsgpack(input);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
