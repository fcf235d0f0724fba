import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { buildPackages, createSigningKey, indexPackages } from './__fixtures__/rpm-packages.js';
import { scratchEngine } from './__fixtures__/scratch-engine.js';
it('tries', async () => {
  const scratch = await scratchEngine({ change: { composeUrl: 'file:///tmp/engine-try/composes', composes: '/tmp/engine-try/composes' } });
  const source = path.join(scratch.sources, 'first');
  buildPackages(source, [
    { name: 'kettle', requires: ['lid'], subpackages: { debuginfo: [], devel: ['kettle'] } },
    { name: 'lid', epoch: 2, arch: 'noarch' },
    { name: 'spoon', arch: 'noarch' },
  ]);
  using key = createSigningKey();
  key.sign(...execFileSync('find', [source, '-name', '*.rpm'], { encoding: 'utf8' }).trim().split('\n'));
  indexPackages(source);
  const progress: unknown[] = [];
  const generated = await scratch.compose(1, { source: [source], packages: ['kettle'], sigkeys: [key.keyId.slice(8).toLowerCase()], results: ['repository', 'iso'], label: 'RC-1.0' }, { onProgress: (p) => progress.push(p) });
  console.log(generated, progress);
  expect(generated.packages).toBe(5);
});
