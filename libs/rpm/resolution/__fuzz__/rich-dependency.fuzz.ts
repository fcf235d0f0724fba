import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseRichDependency } from '../rich-dependency.js';

/** Rich dependencies, as packages of strangers have them. */
export const target: FuzzTarget = {
  name: 'rpm.rich-dependency',
  seeds: () => [Buffer.from('(libc.so.6(GLIBC_2.34)(64bit) if (glibc >= 1:2.34-5 or musl) else libc)'), Buffer.from('((a and b and c) or (d with e < 3) or (f without g))'), Buffer.from('(a unless b else c)')],
  run: async (input) => {
    try {
      parseRichDependency(input.toString('utf8'));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
