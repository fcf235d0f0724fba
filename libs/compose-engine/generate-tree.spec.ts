import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages, indexPackages } from './__fixtures__/rpm-packages.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let scratch: ScratchEngine;
let source: string;

beforeAll(async () => {
  scratch = await scratchEngine();
  source = path.join(scratch.sources, 'first');
  buildPackages(source, [
    { name: 'kettle', requires: ['lid'], subpackages: { debuginfo: [], devel: ['kettle'] } },
    { name: 'lid', epoch: 2, arch: 'noarch' },
    { name: 'spoon', arch: 'noarch' },
  ]);
  indexPackages(source);
}, 60_000);
afterAll(() => scratch[Symbol.asyncDispose]());

describe('a generated tree', () => {
  it('has the layout of the contract', async () => {
    const generated = await scratch.compose(1, { source: [source], packages: ['kettle'] });
    expect(generated).toMatchObject({ packages: 5, pungiComposeId: 'odcs-1-1-20261121.t.0' });
    console.log(execFileSync('find', [scratch.settings.composes], { encoding: 'utf8' }));
    console.log(readFileSync(scratch.path(1, 'pungi-stderr.log'), 'utf8'));
    expect(readdirSync(scratch.path(1)).sort()).toEqual(['COMPOSE_ID', 'STATUS', 'compose', 'logs', 'pungi-stderr.log', 'pungi-stdout.log', 'work']);
    expect(statSync(scratch.path(1, 'STATUS')).isFile()).toBe(true);
  });
});
