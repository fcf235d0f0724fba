import { isMillraceError } from '../../../errors/millrace-error.js';
import { createInspectedBody } from '../../../inspection/inspected-body.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createContext } from '../../__fixtures__/exchange.js';
import { sampleJar } from '../__fixtures__/sample-repository.js';
import { checkJar } from '../jar-archive.js';

export const target: FuzzTarget = {
  name: 'maven.jar-archive',
  seeds: () => [sampleJar],
  run: async (input) => {
    const body = createInspectedBody({ bytes: input, digests: { sha1: '', sha256: '', size: input.length }, contentEncoding: '' });
    try {
      await checkJar({ body, response: { status: 200, header: () => undefined }, context: createContext() });
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
