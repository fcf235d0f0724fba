import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { RepositorySettings } from '../repository/repository.js';
import { createRepositoryCommands } from './create-repository-commands.js';
import { keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';
import type { NewArrival, RepositoryCommands } from './repository-record.js';

const { database, now, later, repository, upload, publish, remove, commands: unlimited, reads } = recordedRepositories();
const compareVersions = { haiku: () => 0, rpm: () => 0, deb: () => 0 };
const commands = (bytes: number | undefined, publisherBytes?: number): RepositoryCommands => createRepositoryCommands(database(), { repositoryUrl: 'https://repositories.test', compareVersions, now, spool: { bytes, publisherBytes } });
const arrivalIn = (name: string, given: Partial<NewArrival> = {}): NewArrival => ({ id: randomUUID(), repository: name, by: `by-${name}`, spooled: true, ...given });
const exactly = (bytes: number): { readonly least: number; readonly wanted: number } => ({ least: bytes, wanted: bytes });
const limited = (maxBytes: number, settings: Partial<RepositorySettings> = {}): Promise<string> => repository({ maxBytes, ...settings });

async function emptySpool(): Promise<void> {
  later(86_400);
  const name = await repository();
  // What has been silent for long goes as soon as somebody asks for room.
  const id = randomUUID();
  await unlimited().takeRoom(arrivalIn(name, { id }), exactly(0));
  await unlimited().leaveRoom(id);
}

describe('room for uploads', () => {
  it('is never taken twice, however many come at once', async () => {
    await emptySpool();
    const name = await limited(100);
    const taken = await Promise.allSettled(Array.from({ length: 12 }, () => unlimited().takeRoom(arrivalIn(name), exactly(15))));
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    for (const each of taken) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'repository-full', message: `the repository ${name} may have 100 bytes of packages and uploads, and has 10 left` });
    const other = await repository();
    const [spool, publisher] = [commands(60 + 90), commands(undefined, 30)];
    const spooled = await Promise.allSettled(Array.from({ length: 8 }, () => spool.takeRoom(arrivalIn(other), exactly(20))));
    expect(spooled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    await expect(publisher.takeRoom(arrivalIn(other, { by: 'bob' }), exactly(30))).resolves.toBe(30);
    await expect(publisher.takeRoom(arrivalIn(other, { by: 'bob' }), exactly(1))).rejects.toMatchObject({ code: 'spool-full', message: 'uploads of bob that are not published yet may have 30 bytes, and have 30' });
    await expect(publisher.takeRoom(arrivalIn(other, { by: 'ann' }), exactly(30))).resolves.toBe(30);
  });

  it('is as much as there is, where nobody knows how much is needed', async () => {
    const name = await limited(100);
    const id = randomUUID();
    expect(await unlimited().takeRoom(arrivalIn(name, { id }), { least: 0, wanted: 64 })).toBe(64);
    expect(await unlimited().takeRoom(arrivalIn(name, { id }), { least: 70, wanted: 128 })).toBe(100);
    await expect(unlimited().takeRoom(arrivalIn(name, { id }), { least: 101, wanted: 256 })).rejects.toMatchObject({ code: 'payload-too-large', message: 'the package has at least 101 bytes, and all uploads together may have 100', suggestion: expect.stringContaining('maxBytes') });
    await unlimited().leaveRoom(id);
    expect(await unlimited().takeRoom(arrivalIn(name), exactly(100))).toBe(100);
  });

  it('comes back from a process that was killed, after half an hour of silence', async () => {
    const name = await limited(100);
    const [killed, living] = [randomUUID(), randomUUID()];
    for (const id of [killed, living]) await unlimited().takeRoom(arrivalIn(name, { id }), exactly(50));
    later(29 * 60);
    await unlimited().takeRoom(arrivalIn(name, { id: living }), exactly(50));
    await expect(unlimited().takeRoom(arrivalIn(name), exactly(1))).rejects.toMatchObject({ code: 'repository-full' });
    later(2 * 60);
    await expect(unlimited().takeRoom(arrivalIn(name), exactly(50))).resolves.toBe(50);
    await expect(unlimited().takeRoom(arrivalIn(name), exactly(1))).rejects.toMatchObject({ code: 'repository-full' });
  });

  it('is taken by uploads until they are forgotten, and by synchronisations in their repository alone', async () => {
    await emptySpool();
    const name = await repository();
    const before = 1000 - (await commands(1000).takeRoom(arrivalIn(name), { least: 0, wanted: 1000 }));
    later(86_400);
    const spool = commands(before + 50);
    const room = randomUUID();
    await spool.takeRoom(arrivalIn(name, { id: room }), exactly(50));
    const { id } = await spool.addUpload({ id: randomUUID(), repository: name, fileName: 'a.rpm', sha256: 'a'.repeat(64), size: 50, by: 'ann' }, room);
    await expect(spool.takeRoom(arrivalIn(name), exactly(1))).rejects.toMatchObject({ code: 'spool-full' });
    await expect(spool.takeRoom(arrivalIn(name, { spooled: false }), exactly(5000))).resolves.toBe(5000);
    later(2 * 86_400);
    expect((await spool.staleUploads(name, 86_400)).map((each) => each.id)).toEqual([id]);
    await expect(spool.takeRoom(arrivalIn(name), exactly(1))).rejects.toMatchObject({ code: 'spool-full' });
    await spool.forgetUploads([id]);
    await expect(spool.takeRoom(arrivalIn(name), exactly(50))).resolves.toBe(50);
  });
});

describe('the bytes of a repository', () => {
  const [a, b]: [SpecPackage, SpecPackage] = [{ name: 'a', version: '1' }, { name: 'b', version: '1' }];
  const left = async (name: string): Promise<number> => {
    const id = randomUUID();
    const bytes = await unlimited().takeRoom(arrivalIn(name, { id }), { least: 0, wanted: 1_000_000 });
    await unlimited().leaveRoom(id);
    return bytes;
  };

  it('are packages as long as they are kept, and uploads that are no copies of them', async () => {
    const name = await limited(1000);
    await publish(name, [a, b]);
    await unlimited().forgetUploads((await unlimited().staleUploads(name, 0)).map(({ id }) => id));
    const { size } = await reads().package(name, keyOf(a));
    expect(await left(name)).toBe(1000 - 2 * size);
    await upload(name, a);
    expect(await left(name)).toBe(1000 - 2 * size);
    await upload(name, { ...a, version: '2' });
    expect(await left(name)).toBe(1000 - 3 * size);
    await remove(name, [b]);
    expect(await left(name)).toBe(1000 - 3 * size);
    await unlimited().pruned(name, { moved: [keyOf(b)], deleted: [], strangers: [] }, 'ann');
    expect(await left(name)).toBe(1000 - 3 * size);
    await unlimited().pruned(name, { moved: [], deleted: [keyOf(b)], strangers: [] }, 'ann');
    expect(await left(name)).toBe(1000 - 2 * size);
  });

  it('may be more than a limit that came later, and then nothing comes in', async () => {
    const name = await repository();
    await publish(name, [a, b]);
    const { settings } = await reads().get(name);
    await unlimited().configure(name, { ...settings, maxBytes: 10 }, 'ann');
    await expect(unlimited().takeRoom(arrivalIn(name), exactly(1))).rejects.toMatchObject({ code: 'repository-full', message: expect.stringContaining('has 0 left') });
    await unlimited().configure(name, { ...settings, maxBytes: null }, 'ann');
    await expect(unlimited().takeRoom(arrivalIn(name), exactly(1))).resolves.toBe(1);
  });
});
