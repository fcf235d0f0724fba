import { isMillraceError } from '../../errors/millrace-error.js';
import { fakeModulemd } from '../../testing/fake-mbs.js';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { readModulemd } from '../modulemd.js';

const module = { name: 'mill', stream: '1.10', version: '20260101000000', context: 'abcdef01', requires: { race: ['2'], pond: [] } };

/** Modulemd documents as services and hubs give them. */
export const target: FuzzTarget = {
  name: 'modulemd',
  seeds: () => [
    Buffer.from(fakeModulemd(module, { arch: 'x86_64', artifacts: ['wheel-0:1.0-1.x86_64', 'wheel-0:1.0-1.src'], profiles: { default: ['wheel'] } })),
    Buffer.from('document: modulemd\nversion: 1\ndata:\n  name: mill\n  stream: a\n  dependencies:\n    requires: {platform: f28, race: 0x10}\n'),
  ],
  run: (input) => {
    try {
      readModulemd(input.toString('latin1'), 'the modulemd');
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'source-invalid') throw error;
    }
    return Promise.resolve();
  },
};
