import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let source: string;
let plan: string;

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
  ({ plan } = await scratch.compose(1, { source: [source], packages: ['kettle'] }));
}, 60_000);
afterAll(async () => {
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const inStore = (sha256: string): string => path.join(scratch.settings.home, 'blobs/content', sha256.slice(0, 2), sha256);
const packages = (): { sha256: string; name: string }[] => JSON.parse(readFileSync(inStore(plan), 'utf8')).trees[0].packages;
const renew = (id: number, pinnedPlan = plan) => scratch.compose(id, { pinnedPlan, source: [source] });

describe('a renewal', () => {
  it('has the same packages after the source has moved on, and the same plan', async () => {
    const before = kitchen.repository(path.join(scratch.sources, 'moving'), (name) => name.startsWith('spoon'));
    const first = await scratch.compose(2, { source: [before] });
    rmSync(before, { recursive: true });
    kitchen.repository(before, (name) => name.startsWith('lid'));
    expect((await renew(3, first.plan)).plan).toBe(first.plan);
    const isPackage = (file: string): boolean => file.endsWith('.rpm');
    expect(filesBelow(scratch.path(3, 'compose')).filter(isPackage)).toEqual(filesBelow(scratch.path(2, 'compose')).filter(isPackage));
  });

  it('fetches again by digest what the store has lost', async () => {
    const lost = packages()[0]?.sha256 ?? '';
    await scratch.engine.remove({ id: 1, targetDir: 'default' });
    rmSync(inStore(lost));
    await renew(4);
    expect(readFileSync(scratch.path(4, 'compose/Temporary/x86_64/os/Packages/k/kettle-1.0-1.x86_64.rpm'))).toEqual(readFileSync(path.join(source, 'kettle-1.0-1.x86_64.rpm')));
  });

  it('names all packages that are gone everywhere', async () => {
    for (const { sha256, name } of packages()) {
      rmSync(inStore(sha256));
      rmSync(path.join(source, `${name}-1.0-1.${name === 'kettle' ? 'x86_64' : 'noarch'}.rpm`));
    }
    const error = await failureOf(renew(5));
    expect(error.code).toBe('unresolvable');
    expect(error.message).toMatch(/2 of its packages are gone: kettle-1\.0-1\.x86_64\.rpm \(was at .*\), lid-1\.0-1\.noarch\.rpm/);
    expect(filesBelow(scratch.path(5))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('says that a plan is gone', async () => {
    expect(await failureOf(renew(6, 'a'.repeat(64)))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('is not kept any more') });
  });
});
