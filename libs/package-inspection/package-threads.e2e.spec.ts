import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../embedded/project-root.js';
import { MillraceError } from '../errors/millrace-error.js';
import { sample } from '../haiku/__fixtures__/samples.js';
import { inspectHere, type PackageInspection } from '../repository-engine/package-inspection.js';
import { buildDeb } from '../repository-formats/deb/__fixtures__/build-deb.js';
import type { PackageBytes } from '../repository-formats/package-format.js';
import { repositoryFormats } from '../repository-formats/repository-formats.js';
import { parseRepositorySettings } from '../repository/repository-settings.js';
import type { RepositoryKind, RepositorySettings } from '../repository/repository.js';
import { samplePackage } from '../rpm/__fixtures__/sample-package.js';
import { createPackageThreads } from './package-threads.js';

const built = path.join(projectRoot(), 'dist/libs/package-inspection/package-thread.js');
const hostile = path.join(projectRoot(), 'libs/package-inspection/__fixtures__/hostile-thread.mjs');

const settings: Readonly<Record<RepositoryKind, RepositorySettings>> = {
  haiku: parseRepositorySettings('haiku', { haiku: { name: 'Ours', identifier: 'tag:farm.example,2026:ours', baseUrl: 'https://farm.example/', vendor: 'Haiku Project', summary: 'Ours', architecture: 'x86_64' } }),
  rpm: parseRepositorySettings('rpm', {}),
  deb: parseRepositorySettings('deb', { deb: { architectures: ['amd64'] } }),
};
const packages: Readonly<Record<RepositoryKind, Buffer>> = { haiku: sample('foo-1.2.3-1-x86_64.hpkg'), rpm: samplePackage(), deb: buildDeb({ name: 'sample' }) };
const kinds = Object.keys(packages) as RepositoryKind[];

/** As a store gives them: parts of something longer. */
const bytesOf = (content: Buffer): PackageBytes => ({ size: content.length, read: async (offset, length) => content.subarray(offset, offset + length) });
const never = new AbortController().signal;

function inspect(inspection: PackageInspection, kind: RepositoryKind, { content = packages[kind], bytes = bytesOf(content), sha256 = createHash('sha256').update(content).digest('hex'), signal = never }: { content?: Buffer; bytes?: PackageBytes; sha256?: string; signal?: AbortSignal } = {}) {
  return inspection.inspect(repositoryFormats[kind], bytes, { sha256, settings: settings[kind], signal });
}

describe('threads that inspect packages', () => {
  const threads = createPackageThreads({ threads: 2, entry: built });
  afterAll(() => threads.close());

  it.each(kinds)('say the same of a package as the event loop does: %s', async (kind) => {
    expect(await inspect(threads, kind)).toEqual(await inspect(inspectHere, kind));
  });

  it.each(kinds)('refuse the same, in the same words: %s', async (kind) => {
    const content = packages[kind].subarray(0, -20);
    const here = await inspect(inspectHere, kind, { content }).catch((error: unknown) => error);
    const { code, message } = here as MillraceError;
    expect(here).toBeInstanceOf(Error);
    await expect(inspect(threads, kind, { content })).rejects.toMatchObject({ code, message });
  });

  it.each(kinds)('tell of a store that is away, and do not blame the package: %s', async (kind) => {
    const away = new MillraceError('storage-unavailable', 'the store is away');
    const bytes: PackageBytes = { size: packages[kind].length, read: () => Promise.reject(away) };
    await expect(inspect(threads, kind, { bytes })).rejects.toBe(away);
  });

  it('inspect many, a few at a time', async () => {
    const found = await Promise.all(Array.from({ length: 30 }, (_, index) => inspect(threads, kinds[index % kinds.length] as RepositoryKind)));
    expect(new Set(found.map(({ name }) => name)).size).toBe(3);
  });
});

describe('a package that takes over the thread that reads it', () => {
  const threads = createPackageThreads({ threads: 2, heapMiB: 64, entry: hostile });
  afterAll(() => threads.close());

  it('holds up nobody, and ends with the call that it was read for', async () => {
    const ended = new AbortController();
    const begun = Promise.withResolvers<void>();
    const bytes: PackageBytes = { size: 5, read: () => (begun.resolve(), Promise.resolve(Buffer.from('x'))) };
    const spinning = inspect(threads, 'rpm', { sha256: 'spins', bytes, signal: ended.signal });
    await begun.promise;
    expect(await inspect(threads, 'rpm', { content: Buffer.alloc(7) })).toMatchObject({ key: 'package of 7 bytes' });
    ended.abort(new Error('the worker stops'));
    await expect(spinning).rejects.toThrow('the worker stops');
    for (let times = 0; times < 3; times += 1) expect(await inspect(threads, 'rpm', { content: Buffer.alloc(8) })).toMatchObject({ key: 'package of 8 bytes' });
  });

  it('by its memory is refused, and the next ones are read', async () => {
    await expect(inspect(threads, 'rpm', { sha256: 'eats' })).rejects.toMatchObject({ code: 'package-invalid', message: 'reading what it says of itself needs more than 64 MiB of memory' });
    expect(await inspect(threads, 'rpm', { content: Buffer.alloc(9) })).toMatchObject({ key: 'package of 9 bytes' });
  });

  it('does not have a turn that was given up before it came', async () => {
    const ended = new AbortController();
    const spinning = Array.from({ length: 2 }, () => inspect(threads, 'rpm', { sha256: 'spins', content: Buffer.alloc(1), signal: ended.signal }).catch((error: unknown) => error));
    const waiting = new AbortController();
    const third = inspect(threads, 'rpm', { signal: waiting.signal });
    waiting.abort(new Error('nobody waits'));
    await expect(third).rejects.toThrow('nobody waits');
    ended.abort(new Error('enough'));
    await Promise.all(spinning);
    expect(await inspect(threads, 'rpm', { content: Buffer.alloc(6) })).toMatchObject({ key: 'package of 6 bytes' });
  });
});
