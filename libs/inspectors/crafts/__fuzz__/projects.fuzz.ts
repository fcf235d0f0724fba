import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { readCraftFile } from '../craft-file.js';
import { readGoImports } from '../go-import-inspector.js';

const craftFile: FuzzTarget = {
  name: 'crafts.file',
  seeds: () => [Buffer.from('name: mill\nversion: "1.10"\nsummary: A mill\nlicense: MIT\nplatforms:\n  amd64: &a\n    build-on: [amd64]\n  arm64: *a\n'), Buffer.from('name: mill\narchitectures:\n  - build-on: amd64\n  - arm64\ncontact: [a, b]\n')],
  async run(input) {
    readCraftFile('rockcraft.yaml', input);
  },
};

const goImports: FuzzTarget = {
  name: 'go.module.import',
  seeds: () => [Buffer.from('<!DOCTYPE html><html><head><meta name="go-import" content="mods.example/mill git https://git.example/mill"></head><body>A mill</body></html>')],
  async run(input) {
    readGoImports(input);
  },
};

export const targets = [craftFile, goImports];
