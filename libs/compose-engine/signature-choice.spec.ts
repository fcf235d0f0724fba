import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlannedPackage } from '../compose/compose-plan.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { copyPackages, createSigningKey, indexPackages, type SigningKey } from './__fixtures__/rpm-packages.js';
import { composeRequest } from '../testing/compose-request.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';
import { isSameKey } from '../rpm/package/key-ids.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let [red, blue]: SigningKey[] = [];
const places: Record<'plain' | 'red' | 'blue', string> = { plain: '', red: '', blue: '' };

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  [red, blue] = [createSigningKey(), createSigningKey()];
  for (const [name, key] of [['plain', undefined], ['red', red], ['blue', blue]] as const) {
    const place = path.join(scratch.sources, name);
    copyPackages(kitchen.packages, place, (file) => /^(spoon|lid)-/.test(file));
    key?.sign(...readdirSync(place).map((file) => path.join(place, file)));
    indexPackages(place);
    places[name] = place;
  }
}, 60_000);
afterAll(async () => {
  for (const key of [red, blue]) key?.[Symbol.dispose]();
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const planned = (id: number): PlannedPackage[] => JSON.parse(readFileSync(scratch.path(id, 'work/global/plan.json'), 'utf8')).trees[0].packages;
const keysOf = (id: number): string[] => [...new Set(planned(id).map(({ sigkey }) => sigkey))];
const keyOf = (key: SigningKey | undefined): string => key?.keyId ?? '';

describe('sigkeys', () => {
  it('prefer the earlier key among files of one package, whatever the order of the repositories', async () => {
    const source = [places.plain, places.red, places.blue];
    await scratch.compose(1, { source, sigkeys: [keyOf(blue).slice(8).toLowerCase(), keyOf(red)] });
    expect(keysOf(1)).toEqual([keyOf(blue)]);
    await scratch.compose(2, { source, sigkeys: [keyOf(red), ''] });
    expect(keysOf(2)).toEqual([keyOf(red)]);
    await scratch.compose(3, { source, sigkeys: ['', keyOf(red)] });
    expect(keysOf(3)).toEqual(['']);
    expect(planned(3).map(({ from }) => path.dirname(from))).toEqual([places.plain, places.plain]);
  });

  it('do not matter when there are none: the first repository is preferred, and its keys are written down', async () => {
    await scratch.compose(4, { source: [places.red, places.plain, places.blue] });
    expect(keysOf(4)).toEqual([keyOf(red)]);
    const rpms = JSON.parse(readFileSync(scratch.path(4, 'compose/metadata/rpms.json'), 'utf8'));
    expect(rpms.payload.rpms.Temporary.x86_64['spoon-0:1.0-1.src']['spoon-0:1.0-1.noarch'].sigkey).toBe(keyOf(red).slice(8).toLowerCase());
  });

  it('fail the compose with all packages and the keys that they have', async () => {
    const error = await failureOf(scratch.compose(5, { source: [places.red], packages: ['lid', 'spoon'], sigkeys: ['0123456789ABCDEF', ''] }));
    expect(error.code).toBe('unresolvable');
    expect(error.message).toContain('packages have none of the wanted signatures (0123456789ABCDEF, unsigned)');
    for (const file of ['lid-1.0-1.noarch.rpm', 'lid-1.0-1.src.rpm', 'spoon-1.0-1.noarch.rpm', 'spoon-1.0-1.src.rpm']) expect(error.message).toContain(`${file} (signed with ${keyOf(red).toLowerCase()})`);
    const unsigned = await failureOf(scratch.compose(6, { source: [places.plain], packages: ['spoon'], sigkeys: [keyOf(red)] }));
    expect(unsigned.message).toContain('spoon-1.0-1.noarch.rpm (unsigned)');
    expect(filesBelow(scratch.path(6))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('of a renewal are asked of the very packages of its plan', async () => {
    const { plan } = await scratch.compose(7, { source: [places.red], packages: ['spoon'] });
    const renew = (id: number, sigkeys: readonly string[]) => scratch.engine.generate({ id, targetDir: 'default', startedAt: '2026-11-21T10:00:00Z', inputs: { request: composeRequest({ pinnedPlan: plan, sigkeys }), sources: [], lookaside: [], kojiEvent: null } }, { signal: new AbortController().signal });
    await renew(8, [keyOf(red)]);
    expect(keysOf(8)).toEqual([keyOf(red)]);
    expect((await failureOf(renew(9, [keyOf(blue)]))).code).toBe('unresolvable');
  });
});

describe('isSameKey', () => {
  it.each([
    ['2D5DE8ADAA6CE4CF', 'aa6ce4cf', true],
    ['2D5DE8ADAA6CE4CF', '2d5de8adaa6ce4cf', true],
    ['2D5DE8ADAA6CE4CF', '0000000000000000000000002d5de8adaa6ce4cf', true],
    ['2D5DE8ADAA6CE4CF', '2D5DE8AD', false],
    ['2D5DE8ADAA6CE4CF', 'ce4cf', false],
    ['2D5DE8ADAA6CE4CF', '', false],
  ])('of %s and %s: %s', (one, other, same) => {
    expect(isSameKey(one, other)).toBe(same);
    expect(isSameKey(other, one)).toBe(same);
  });
});
