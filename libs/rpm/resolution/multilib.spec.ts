import { describe, expect, it } from '@jest/globals';
import { available, labels, request, type Parts } from './__fixtures__/available.js';
import type { MultilibMethod } from './multilib.js';
import { selectPackages } from './select-packages.js';
import type { SelectionRequest } from './selection.js';

const both = (name: string, parts: Parts = {}): ReturnType<typeof available>[] => ['x86_64', 'i686'].map((arch) => available(`${name}-1-1.${arch}`, { source: name, ...parts }));
const secondary = async (packages: readonly ReturnType<typeof available>[], multilib: readonly MultilibMethod[], more: Partial<SelectionRequest> = {}): Promise<readonly string[]> =>
  labels((await selectPackages(request(packages, { multilib, ...more }))).packages).filter((label) => !label.endsWith('.x86_64'));

const all = [
  ...both('zlib', { provides: ['libz.so.1'] }),
  ...both('zlib-devel', { requires: ['libz.so.1'] }),
  ...both('zlib-static'),
  ...both('zlib-headers', { provides: ['zlib-extras-devel = 1'] }),
  ...both('plugin', { files: ['/etc/ld.so.conf.d/plugin.conf'] }),
  ...both('tool', { files: ['/usr/bin/tool'] }),
  ...both('kernel', { provides: ['kernel', 'libkernel.so.1'] }),
  ...both('kernel-devel', { provides: ['kernel-devel'] }),
  ...both('ghc-zlib-devel'),
  ...both('php', { provides: ['libphp.so.8'] }),
  ...both('valgrind'),
];

describe('multilib', () => {
  it('adds nothing unless asked to', async () => {
    expect(await secondary(all, [])).toEqual([]);
  });

  it('of `devel` adds packages to develop with, of `runtime` packages with shared objects, and never kernels', async () => {
    expect(await secondary(all, ['devel'])).toEqual(['zlib-devel-1-1.i686', 'zlib-headers-1-1.i686', 'zlib-static-1-1.i686']);
    expect(await secondary(all, ['runtime'])).toEqual(['plugin-1-1.i686', 'valgrind-1-1.i686', 'zlib-1-1.i686']);
    expect(await secondary(all, ['runtime', 'devel'])).toHaveLength(6);
  });

  it('of `all` adds everything that is there in both', async () => {
    expect(await secondary([...all, available('only32-1-1.i686')], ['all'])).toHaveLength(all.length / 2);
  });

  it('adds what the added ones require, with dependencies', async () => {
    const wanted = ['zlib-devel'];
    expect(await secondary(all, ['devel'], { wanted })).toEqual(['zlib-devel-1-1.i686']);
    expect(await secondary(all, ['devel'], { wanted, dependencies: true })).toEqual(['zlib-devel-1-1.i686']);
    const split = [available('zlib-1-1.x86_64', { provides: ['libz.so.1()(64bit)'] }), available('zlib-1-1.i686', { provides: ['libz.so.1'] }), available('zlib-devel-1-1.x86_64', { requires: ['libz.so.1()(64bit)'] }), available('zlib-devel-1-1.i686', { requires: ['libz.so.1'] })];
    expect(await secondary(split, ['devel'], { wanted, dependencies: true, useOnlyCompatibleArch: false })).toEqual(['zlib-1-1.i686', 'zlib-devel-1-1.i686']);
    expect(await secondary(split, ['devel'], { wanted, dependencies: true, useOnlyCompatibleArch: true })).toEqual(['zlib-1-1.i686', 'zlib-devel-1-1.i686']);
  });

  it('takes the same version, the best architecture, and what is accepted', async () => {
    const packages = ['a-1-1.x86_64', 'a-1-1.i386', 'a-1-1.i686', 'a-2-1.i686'].map((label) => available(label));
    expect(await secondary(packages, ['all'])).toEqual(['a-1-1.i686']);
    expect(await secondary(packages, ['all'], { accepts: ({ arch }) => arch !== 'i686' })).toEqual(['a-1-1.i386']);
  });

  it('leaves `noarch` packages and trees without another word size alone', async () => {
    expect(await secondary([available('a-1-1.noarch'), available('a-1-1.i686')], ['all'])).toEqual(['a-1-1.noarch']);
    expect(await secondary([available('a-1-1.aarch64'), available('a-1-1.i686')], ['all'], { arch: 'aarch64' })).toEqual(['a-1-1.aarch64']);
  });
});
