import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { indexPackages } from './__fixtures__/rpm-packages.js';
import { composeRequest } from '../testing/compose-request.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

let kitchen: Kitchen;
let scratch: ScratchEngine;
let source: string;

beforeAll(async () => {
  kitchen = buildKitchen();
  scratch = await scratchEngine();
  source = kitchen.repository(path.join(scratch.sources, 'kitchen'));
}, 60_000);
afterAll(async () => {
  kitchen[Symbol.dispose]();
  await scratch[Symbol.asyncDispose]();
});

const logOf = (id: number): string => readFileSync(scratch.path(id, 'pungi-stderr.log'), 'utf8');

/** A repository of some packages whose metadata say what they are made to say. */
function lyingSource(name: string, file: string, lie: (primary: string) => string): string {
  const place = kitchen.repository(path.join(scratch.sources, name), (each) => each.startsWith(file));
  const repodata = path.join(place, 'repodata');
  const primary = path.join(repodata, readdirSync(repodata).find((each) => each.endsWith('primary.xml.gz')) as string);
  const text = lie(gunzipSync(readFileSync(primary)).toString());
  rmSync(primary);
  writeFileSync(path.join(place, 'primary.xml'), text);
  execFileSync('modifyrepo_c', ['--remove', 'primary', repodata], { stdio: 'ignore' });
  execFileSync('modifyrepo_c', ['--mdtype=primary', path.join(place, 'primary.xml'), repodata], { stdio: 'ignore' });
  return place;
}

describe('a generation that fails', () => {
  it('before it begins is noted in its log, where the generation goes on', async () => {
    scratch.engine.note({ id: 90, targetDir: 'default' }, 'the sources cannot be pinned: nobody answers');
    await scratch.compose(90, { source: [source], packages: ['spoon'] });
    expect(readFileSync(scratch.path(90, 'pungi-stderr.log'), 'utf8')).toMatch(/WARNING.*the sources cannot be pinned: nobody answers\n[^]*Compose finished/);
  });

  it('names every package that no source has, and leaves nothing but the logs', async () => {
    const error = await failureOf(scratch.compose(20, { source: [source], packages: ['kettle', 'teapot', 'samovar'] }));
    expect(error).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('no source has these packages for x86_64: samovar, teapot') });
    expect(filesBelow(scratch.path(20))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
    expect(logOf(20)).toContain('[ERROR   ] Compose failed: no source has these packages');
    expect(existsSync(path.join(scratch.settings.composes, '.staging/odcs-20'))).toBe(false);
  });

  it('names every package that has vanished', async () => {
    const place = kitchen.repository(path.join(scratch.sources, 'vanishing'));
    rmSync(path.join(place, 'kettle-1.0-1.x86_64.rpm'));
    rmSync(path.join(place, 'fork-1.0-1.noarch.rpm'));
    await using empty = await scratchEngine({ change: { composeSourcePaths: [scratch.sources] } });
    const error = await failureOf(empty.compose(21, { source: [place] }));
    expect(error).toMatchObject({ code: 'source-invalid', message: expect.stringMatching(/2 of \d+ packages cannot be had: .*fork-1.0-1.noarch.rpm.*kettle-1.0-1.x86_64.rpm/) });
    expect(filesBelow(empty.path(21))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('is told that the source has changed since it was pinned', async () => {
    const place = kitchen.repository(path.join(scratch.sources, 'changing'), (name) => name.startsWith('spoon'));
    await using fresh = await scratchEngine({ change: { composeSourcePaths: [scratch.sources] } });
    const signal = new AbortController().signal;
    const inputs = await fresh.engine.pin(composeRequest({ source: [place] }), { signal });
    kitchen.repository(place, (name) => name.startsWith('lid'));
    rmSync(path.join(place, 'spoon-1.0-1.noarch.rpm'));
    indexPackages(place);
    rmSync(path.join(fresh.settings.home, 'blobs/content'), { recursive: true });
    mkdirSync(path.join(fresh.settings.home, 'blobs/content/tmp'), { recursive: true });
    const error = await failureOf(fresh.engine.generate({ id: 22, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00Z' }, { signal }));
    expect(error.code).toBe('source-changed');
    expect(filesBelow(fresh.path(22))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('is told when a package is another than the metadata of its repository says', async () => {
    const place = lyingSource('lying', 'spoon-1.0-1.noarch', (text) => text.replace('<name>spoon</name>', '<name>ladle</name>'));
    const error = await failureOf(scratch.compose(23, { source: [place] }));
    expect(error).toMatchObject({ code: 'source-invalid', message: expect.stringMatching(/spoon-1\.0-1\.noarch\.rpm is spoon-1\.0-1\.noarch, but the metadata of its repository says ladle-1\.0-1\.noarch/) });
  });

  it('is told when only the borders between name, epoch and version are others than the metadata say', async () => {
    const shifted = lyingSource('shifted', 'kettle-devel', (text) => text.replace('<name>kettle-devel</name>', '<name>kettle</name>').replace('ver="1.0"', 'ver="devel-1.0"'));
    expect(await failureOf(scratch.compose(27, { source: [shifted] }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is kettle-devel-1.0-1.x86_64, but the metadata of its repository says "kettle"-"devel-1.0"-"1".x86_64') });
    const hidden = lyingSource('hidden', 'lid', (text) => text.replaceAll('epoch="2" ver="1.0"', 'epoch="0" ver="2:1.0"'));
    expect(await failureOf(scratch.compose(28, { source: [hidden] }))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is lid-2:1.0-1.noarch, but the metadata') });
  });

  it('takes the time of building where the metadata give a time of the file that none can have', async () => {
    const place = lyingSource('late', 'spoon-1.0-1.noarch', (text) => text.replace(/file="\d+"/, 'file="8640000000001"'));
    await scratch.compose(29, { source: [place], results: ['repository', 'iso'] });
    const plan = JSON.parse(readFileSync(scratch.path(29, 'work/global/plan.json'), 'utf8')) as { readonly sourceDate: number };
    expect(plan.sourceDate).toBeGreaterThan(1_000_000_000);
    expect(plan.sourceDate).toBeLessThan(2 ** 32);
  });
});
