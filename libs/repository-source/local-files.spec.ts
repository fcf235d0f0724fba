import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sampleRepository, type SampleRepository } from './__fixtures__/sample-repository.js';
import { scratchSource, unhurried, type ScratchSource } from './__fixtures__/scratch-source.js';

let place: string;
let scratch: ScratchSource;
let repository: SampleRepository;

beforeEach(async () => {
  place = mkdtempSync(path.join(tmpdir(), 'millrace-place-'));
  repository = sampleRepository();
  scratch = await scratchSource({ settings: { composeSourcePaths: [place, repository.directory] } });
});
afterEach(async () => {
  await scratch[Symbol.asyncDispose]();
  repository[Symbol.dispose]();
  rmSync(place, { recursive: true });
});

const read = async (file: string): Promise<string> => (await scratch.source.read(file, unhurried)).toString();

describe('a repository at a path', () => {
  it.each(['path', 'file URL'])('is pinned, loaded and fetched by its %s', async (how) => {
    const url = how === 'path' ? repository.directory : `file://${repository.directory}/`;
    const pinned = await scratch.source.pin(url, unhurried);
    const { packages } = await scratch.source.load({ url, ...pinned }, { ...unhurried, index: 0 });
    expect(packages).toHaveLength(6);
    for (const each of packages) {
      const { sha256, size } = await scratch.source.fetch(each, unhurried);
      expect(readFileSync(scratch.content.file(sha256))).toEqual(readFileSync(each.location));
      expect(size).toBe(each.size);
    }
  });

  it('keeps what it gave when a package is changed in place afterwards, and refuses it before', async () => {
    const pinned = await scratch.source.pin(repository.directory, unhurried);
    const { packages } = await scratch.source.load({ url: repository.directory, ...pinned }, { ...unhurried, index: 0 });
    const [early, late] = packages as [(typeof packages)[0], (typeof packages)[0]];
    const before = readFileSync(early.location);
    await scratch.source.fetch(early, unhurried);
    for (const each of [early, late]) appendFileSync(each.location, 'x');
    expect(readFileSync(scratch.content.file((await scratch.source.fetch(early, unhurried)).sha256))).toEqual(before);
    await expect(scratch.source.fetch(late, unhurried)).rejects.toMatchObject({ code: 'source-changed', message: expect.stringContaining(late.location) });
  });

  it('may be reached by symbolic links between the allowed places', async () => {
    symlinkSync(repository.directory, path.join(place, 'linked'));
    expect(await scratch.source.pin(path.join(place, 'linked'), unhurried)).toMatchObject({ revision: '7' });
  });

  it('is refused where none is', async () => {
    await expect(scratch.source.pin(place, unhurried)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('is no repository') });
  });
});

describe('paths', () => {
  it('lead nowhere else', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'millrace-outside-'));
    writeFileSync(path.join(outside, 'secret'), 'secret');
    symlinkSync(path.join(outside, 'secret'), path.join(place, 'link'));
    symlinkSync(outside, path.join(place, 'directory'));
    symlinkSync('/etc/passwd', path.join(place, 'passwd'));
    symlinkSync('/proc/self/environ', path.join(place, 'environ'));
    mkdirSync(`${place}-beside`);
    writeFileSync(`${place}-beside/file`, 'beside');
    try {
      for (const file of [`${outside}/secret`, `${place}/link`, `${place}/directory/secret`, `${place}/passwd`, `${place}/environ`, `${place}-beside/file`, '/etc/passwd', '/etc/none', '/', place]) {
        await expect(read(file)).rejects.toMatchObject({ code: 'forbidden', message: expect.not.stringContaining('secret\n') });
      }
    } finally {
      for (const each of [outside, `${place}-beside`]) rmSync(each, { recursive: true });
    }
  });

  it('are read only when the service has places to read from', async () => {
    const none = scratch.again();
    await expect(none.pin(repository.directory, unhurried)).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('MILLRACE_COMPOSE_SOURCE_PATHS'), suggestion: expect.stringContaining('MILLRACE_COMPOSE_SOURCE_PATHS') });
  });

  it.each(['a directory', 'a named pipe', 'nothing', 'below a file', 'a link to itself'])('that are %s are refused', async (what) => {
    const file = path.join(place, 'it');
    if (what === 'a directory') mkdirSync(file);
    if (what === 'a named pipe') execFileSync('mkfifo', [file]);
    if (what === 'a link to itself') symlinkSync(file, file);
    if (what === 'below a file') writeFileSync(file, 'x');
    await expect(read(what === 'below a file' ? `${file}/x` : file)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(file) });
  });

  it('are cloned where the file system can, and nowhere else from', async () => {
    const [file, clone] = [path.join(place, 'file'), path.join(place, 'clone')];
    writeFileSync(file, 'as it was');
    const cloned = await scratch.source.clone(file, clone);
    // Blocks are shared until one of the two is written to.
    writeFileSync(file, 'changed in place', { flag: 'r+' });
    expect(existsSync(clone) && readFileSync(clone, 'utf8')).toBe(cloned && 'as it was');
    expect(await scratch.source.clone('http://127.0.0.1:1/file', `${clone}-2`)).toBe(false);
    for (const [other, code] of [['/etc/passwd', 'forbidden'], [`${place}/none`, 'source-invalid']] as const) await expect(scratch.source.clone(other, `${clone}-3`)).rejects.toMatchObject({ code });
    expect(readdirSync(place).filter((name) => name.startsWith('clone-'))).toEqual([]);
  });

  it('have at most what a document may have', async () => {
    writeFileSync(path.join(place, 'large'), Buffer.alloc(2000));
    const narrow = scratch.again({ limits: { documentBytes: 1000 }, settings: { composeSourcePaths: [place] } });
    await expect(narrow.read(path.join(place, 'large'), unhurried)).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('more than 1000 bytes') });
  });
});
