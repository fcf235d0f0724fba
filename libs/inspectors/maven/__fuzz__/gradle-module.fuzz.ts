import { isMillraceError } from '../../../errors/millrace-error.js';
import { parseBoundedJson } from '../../../inspection/bounded-json.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { readGradleModule } from '../gradle-module.js';

const seed = {
  formatVersion: '1.1',
  component: { group: 'test.millrace', module: 'sample', version: '1.0' },
  variants: [{ name: 'api', files: [{ name: 'sample-1.0.jar', url: 'sample-1.0.jar', size: 1, sha1: 'a'.repeat(40), sha256: 'b'.repeat(64) }] }],
};

export const target: FuzzTarget = {
  name: 'maven.gradle-module',
  seeds: () => [Buffer.from(JSON.stringify(seed))],
  run: async (input) => {
    try {
      readGradleModule(parseBoundedJson(input));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
