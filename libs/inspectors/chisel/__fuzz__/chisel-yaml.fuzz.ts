import { isMillraceError } from '../../../errors/millrace-error.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { parseChiselYaml } from '../chisel-yaml.js';

/** The configuration of a chisel release. */
export const target: FuzzTarget = {
  name: 'chisel.yaml',
  seeds: () => [
    Buffer.from(
      'format: v1\narchives:\n  main:\n    version: 24.04\n    components: [main]\n    public-keys: [key]\npublic-keys:\n  key:\n    id: "00"\n    armor: |\n      -----BEGIN PGP PUBLIC KEY BLOCK-----\n\n      AAAA\n      -----END PGP PUBLIC KEY BLOCK-----\n',
    ),
    Buffer.from('format: v1\narchives: {main: {version: 24.04, components: [main]}}\n'),
  ],
  run: async (input) => {
    try {
      await parseChiselYaml(input);
    } catch (error) {
      if (!isMillraceError(error)) throw error;
    }
  },
};
