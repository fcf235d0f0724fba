import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPungiKitchen, rawConfig, rawRequest, type PungiKitchen } from './__fixtures__/pungi-kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import type { ScratchEngine } from './__fixtures__/scratch-engine.js';

let kitchen: PungiKitchen;
let scratch: ScratchEngine;

beforeAll(async () => {
  kitchen = buildPungiKitchen();
  scratch = await kitchen.engine();
});
afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
  kitchen[Symbol.dispose]();
});

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
/** Of a type and a name in it. */
const linkOf = (engine: ScratchEngine, ...names: string[]): string => readlinkSync(path.join(engine.settings.composes, ...names));

describe('a compose of a raw configuration', () => {
  it('is what Pungi makes, published as all composes are', async () => {
    const generated = await scratch.compose(1, rawRequest());
    expect(generated).toMatchObject({ packages: 1, pungiComposeId: 'Kitchen-1.0-20261121.n.0' });
    expect(filesBelow(scratch.path(1)).filter((file) => !/repodata|^logs/.test(file)).sort()).toEqual([
      'COMPOSE_ID',
      'STATUS',
      'compose/Server/x86_64/os/Packages/h/hello-1.0-1.noarch.rpm',
      'compose/metadata/composeinfo.json',
      'compose/metadata/images.json',
      'compose/metadata/rpms.json',
      'pungi-stderr.log',
      'pungi-stdout.log',
      'work/global/composeinfo-base.json',
      'work/global/generation.json',
      'work/global/plan.json',
    ]);
    expect(readFileSync(scratch.path(1, 'pungi-stderr.log'), 'utf8')).toMatch(/COMPOSE_ID=Kitchen-1\.0-20261121\.n\.0\n[^]*Compose finished/);
    expect(readFileSync(scratch.path(1, 'pungi-stdout.log'), 'utf8')).toContain('fake pungi');
    expect(existsSync(path.join(scratch.settings.composes, '.staging/odcs-1'))).toBe(false);
  });

  it('is found by the names that ODCS gives, until it is removed', async () => {
    await scratch.compose(2, rawRequest({ composeType: 'ci', label: 'RC-1.0' }));
    const names = ['Kitchen-1.0-20261121.ci.0', 'latest-Kitchen-1.0', 'latest-Kitchen-1.0-RC-1.0'];
    expect(names.map((name) => linkOf(scratch, 'ci', name))).toEqual(names.map(() => '../odcs-2'));
    await scratch.engine.remove({ id: 2, targetDir: 'default' });
    expect(names.map((name) => existsSync(path.join(scratch.settings.composes, 'ci', name)))).toEqual([false, false, false]);
  });
});
