import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { installFakePungi } from '../testing/fake-pungi/install-fake-pungi.js';
import { processesWith } from '../testing/processes.js';
import { buildPackages, indexPackages } from './__fixtures__/rpm-packages.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const arch = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? 'x86_64';
let folder: string;
let scratch: ScratchEngine;
let settingsFile: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-boot-'));
  settingsFile = path.join(folder, 'pungi.yaml');
  mode('');
  scratch = await scratchEngine({ searchPath: installFakePungi(path.join(folder, 'bin')), environment: { HOME: folder }, change: { pungiFile: settingsFile } });
  buildPackages(path.join(scratch.sources, 'os'), [{ name: 'hello', arch: 'noarch' }]);
  indexPackages(path.join(scratch.sources, 'os'));
});
afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function mode(name: string): void {
  writeFileSync(settingsFile, `lorax: { arguments: [--rootfs-size=4], environment: { FAKE_LORAX: ${JSON.stringify(name)} } }\n`);
}

const compose = (id: number, options: Parameters<ScratchEngine['compose']>[2] = {}) => scratch.compose(id, { source: [path.join(scratch.sources, 'os')], arches: [arch], results: ['repository', 'boot.iso'] }, options);

describe('the result boot.iso', () => {
  it('makes each tree one to install from, with the image under its two names and in the metadata', async () => {
    await compose(1);
    const os = `compose/Temporary/${arch}/os`;
    const iso = `Temporary/${arch}/iso/odcs-1-1-20261121.t.0-Temporary-${arch}-boot.iso`;
    expect(filesBelow(scratch.path(1)).filter((file) => !/repodata|Packages|^work\/global|^logs\/global|metadata/.test(file)).sort()).toEqual(
      ['COMPOSE_ID', 'STATUS', `compose/${iso}`, 'compose/Temporary/odcs-1.repo', `${os}/.discinfo`, `${os}/.treeinfo`, `${os}/images/boot.iso`, `${os}/images/pxeboot/initrd.img`, `${os}/images/pxeboot/vmlinuz`, `${os}/isolinux/isolinux.cfg`, `logs/${arch}/buildinstall-Temporary-logs/lorax.log`, 'pungi-stderr.log', 'pungi-stdout.log'].sort(),
    );
    const { payload } = JSON.parse(readFileSync(scratch.path(1, 'compose/metadata/images.json'), 'utf8'));
    const image = readFileSync(scratch.path(1, 'compose', iso));
    expect(payload.images).toEqual({ Temporary: { [arch]: [{ arch, bootable: true, checksums: { sha256: createHash('sha256').update(image).digest('hex') }, disc_count: 1, disc_number: 1, format: 'iso', implant_md5: '0123456789abcdef0123456789abcdef', mtime: Math.floor(statSync(scratch.path(1, 'compose', iso)).mtimeMs / 1000), path: iso, size: image.length, subvariant: 'Temporary', type: 'boot', volume_id: `odcs-1-1-Temporary.${arch}` }] } });
    expect(statSync(scratch.path(1, os, 'images/boot.iso')).ino).toBe(statSync(scratch.path(1, 'compose', iso)).ino);
    expect(execFileSync('xorriso', ['-indev', scratch.path(1, os, 'images/boot.iso'), '-pvd_info'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })).toContain(`odcs-1-1-Temporary.${arch}`);
    expect(JSON.parse(readFileSync(scratch.path(1, 'compose/metadata/composeinfo.json'), 'utf8')).payload.variants.Temporary.paths.isos).toEqual({ [arch]: `Temporary/${arch}/iso` });
    expect(readFileSync(scratch.path(1, `logs/${arch}/buildinstall-Temporary-logs/lorax.log`), 'utf8')).toMatch(new RegExp(`--product=odcs-1 --version=1 --release=1 --source=file:///\\S+/${os} --variant=Temporary --nomacboot --noupgrade --buildarch=${arch} --volid=odcs-1-1-Temporary.${arch} --logfile=\\S+ --rootfs-size=4 `));
  });

  it.each([
    ['fail', /^lorax for \S+ ended with exit code 1: [^]*no package kernel in http:\/\/composes\.example\/composes\/odcs-2\/work\//],
    ['no image', /^lorax has made no images\/boot\.iso for/],
    ['clash', /^lorax has made repodata for \S+, which the repository has already$/],
  ])('fails the compose with lorax’s own words (%s)', async (how, message) => {
    mode(how);
    expect(await failureOf(compose(2))).toMatchObject({ code: 'unresolvable', message: expect.stringMatching(message) });
    expect(filesBelow(scratch.path(2))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('takes all that lorax has started with it when it is cancelled', async () => {
    mode('family');
    const stop = new AbortController();
    const cancelled = failureOf(compose(3, { signal: stop.signal }));
    const running = (): number[] => processesWith(`MILLRACE_TOOL=${scratch.path(3)}`);
    while (running().length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort(new Error('cancelled by ada'));
    expect((await cancelled).message).toBe('cancelled by ada');
    expect(running()).toEqual([]);
    expect(filesBelow(scratch.path(3))).toEqual(['pungi-stderr.log', 'pungi-stdout.log']);
  });

  it('needs lorax, where it is made', async () => {
    writeFileSync(settingsFile, 'lorax: { program: no-such-lorax }\n');
    expect(await failureOf(compose(4))).toMatchObject({ code: 'tool-not-found', message: 'no-such-lorax, which makes boot.iso, is not on this worker' });
  });
});
