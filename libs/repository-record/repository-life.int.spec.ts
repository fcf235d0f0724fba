import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { ChangeRequest } from '../repository/repository-change.js';
import { parseRepositorySettings } from '../repository/repository-settings.js';
import { by, digestOf, indexOf, keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';

const { commands, reads, repository, uploaded, upload, describe: inspected, request, publishing, plan, settle, publish, keys, later, at, messages, eventTypes } = recordedRepositories();
const a: SpecPackage = { name: 'a', version: '1' };
const settings = parseRepositorySettings('rpm', {});
const place = (folder: string) => ({ store: 'default', folder });
const problem = { code: 'signing-unavailable', message: 'the signer is away', details: [] };

describe('a repository', () => {
  it('is made once, and again only as it is', async () => {
    const wanted = { name: 'once', kind: 'rpm' as const, place: place('once'), settings };
    const made = await commands().create(wanted, by);
    expect(made).toEqual({ ...wanted, state: 0, packages: 0, bytes: 0, createdAt: at(), createdBy: by, changedAt: at() });
    later(10);
    expect(await commands().create(wanted, 'bob')).toEqual(made);
    await expect(commands().create({ ...wanted, place: place('twice') }, by)).rejects.toMatchObject({ code: 'repository-exists' });
    expect(await eventTypes('once')).toEqual(['RepositoryCreated']);
    expect(await reads().list({ limit: 1, after: 'onc' })).toEqual([made]);
  });

  it('is never made inside of another, nor twice at once', async () => {
    await commands().create({ name: 'outer', kind: 'rpm', place: place('one/two'), settings }, by);
    for (const folder of ['one/two', 'one', 'one/two/three']) await expect(commands().create({ name: 'inner', kind: 'rpm', place: place(folder), settings }, by)).rejects.toMatchObject({ code: 'repository-exists', message: expect.stringContaining('outer') });
    await expect(commands().create({ name: 'inner', kind: 'rpm', place: place(''), settings }, by)).rejects.toMatchObject({ code: 'repository-exists', suggestion: expect.stringContaining('another store') });
    await expect(commands().create({ name: 'inner', kind: 'rpm', place: place(''), settings }, by)).rejects.toMatchObject({ code: 'repository-exists' });
    const racing = await Promise.allSettled(['x1', 'x2', 'x3'].map((name) => commands().create({ name, kind: 'rpm', place: place('shared'), settings }, by)));
    expect(racing.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    await commands().create({ name: 'beside', kind: 'rpm', place: place('one/twofold'), settings }, by);
  });

  it.each([
    ['a name', { name: 'No Name' }],
    ['a name', { name: 'a'.repeat(200) }],
    ['a folder', { place: place('../up') }],
    ['a folder', { place: place('a//b') }],
    ['a folder', { place: place('a/.states') }],
    ['a folder', { place: place('/a') }],
    ['a store', { place: { store: '../x', folder: 'x' } }],
    ['settings', { settings: { ...settings, keepVersions: 0 } }],
  ])('with %s that cannot be is refused: %j', async (_what, wrong) => {
    await expect(commands().create({ name: 'refused', kind: 'rpm', place: place('refused'), settings, ...wrong }, by)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('has its settings changed, which a state that is being made does not see', async () => {
    const name = await repository();
    await publishing(name, [a]);
    const before = await plan(name);
    const configured = await commands().configure(name, { ...before.settings, keepVersions: 3 }, by);
    expect(configured.settings.keepVersions).toBe(3);
    expect((await plan(name)).settings.keepVersions).toBeNull();
    expect(await reads().planned(name)).toEqual(before);
    await commands().configure(name, configured.settings, by);
    expect(await eventTypes(name)).toEqual(['RepositoryCreated', 'RepositoryConfigured']);
    await settle(name);
    await request(name, { kind: 'configure' });
    expect(await plan(name)).toMatchObject({ state: 2, added: [], removed: [], settings: { keepVersions: 3 } });
    await settle(name);
    expect(await reads().state(name, 2)).toMatchObject({ kinds: ['configure'], packages: 1, added: 0 });
  });

  it('keeps the components and architectures that packages are listed in', async () => {
    const name = 'components';
    const ofDeb = (components: readonly string[], architectures: readonly string[]) => parseRepositorySettings('deb', { deb: { components, architectures } });
    await commands().create({ name, kind: 'deb', place: place(name), settings: ofDeb(['main', 'extra'], ['amd64', 'arm64']) }, by);
    const id = randomUUID();
    await commands().addUpload({ id, repository: name, fileName: 'a.deb', sha256: digestOf('a.deb'), size: 5, by });
    await commands().describeUpload(id, { key: 'a_1_arm64.deb', name: 'a', version: '1', architecture: 'arm64', path: 'pool/a_1_arm64.deb', component: 'extra', metadata: Buffer.from('Package: a') });
    await request(name, { kind: 'publish', uploads: [id], contents: [], origin: {}, component: 'extra' });
    await settle(name);
    for (const refused of [ofDeb(['main'], ['amd64', 'arm64']), ofDeb(['main', 'extra'], ['amd64'])]) {
      await expect(commands().configure(name, refused, by)).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('a_1_arm64.deb (extra, arm64)') });
    }
    expect((await commands().configure(name, ofDeb(['extra'], ['arm64']), by)).settings.deb).toMatchObject({ components: ['extra'], architectures: ['arm64'] });
  });

  it('is removed by force while it lists anything, with what waits', async () => {
    const name = await repository();
    await expect(commands().remove('none', { by, force: true })).rejects.toMatchObject({ code: 'repository-not-found' });
    await publish(name, [a]);
    const planned = await publishing(name, [{ name: 'b', version: '1' }]);
    await plan(name);
    const waiting = await publishing(name, [{ name: 'c', version: '1' }]);
    await expect(commands().remove(name, { by, force: false })).rejects.toMatchObject({ code: 'change-guarded' });
    await commands().remove(name, { by, force: true });
    await expect(reads().get(name)).rejects.toMatchObject({ code: 'repository-not-found' });
    for (const { id } of [planned, waiting]) expect(await reads().change(id)).toMatchObject({ phase: 'failed', problem: { code: 'repository-not-found' } });
    expect((await messages(name)).at(-1)).toMatchObject({ kind: 'removed', url: null });
    expect(await reads().unsettled(1000)).not.toContain(name);
  });

  it('that is made again begins with nothing, and counts its states on', async () => {
    const name = await repository();
    await publish(name, [a]);
    await publishing(name, [{ name: 'b', version: '1' }]);
    await plan(name);
    await commands().remove(name, { by, force: true });
    await commands().create({ name, kind: 'rpm', place: place(name), settings }, by);
    expect(await reads().get(name)).toMatchObject({ state: 0, packages: 0 });
    expect(await publish(name, [{ ...a, build: 'other' }])).toMatchObject({ state: 3 });
    expect(await reads().diff(name, 0, 3)).toMatchObject({ added: [{ key: keyOf(a) }], removed: [] });
  });
});

describe('a change', () => {
  it('is asked for once under its id', async () => {
    const name = await repository();
    await publish(name, [a]);
    const id = randomUUID();
    const asked = await request(name, { kind: 'remove', keys: [keyOf(a)] }, { id });
    expect(await request(name, { kind: 'remove', keys: [keyOf(a)] }, { id })).toEqual(asked);
    await settle(name);
    expect(await request(name, { kind: 'remove', keys: [keyOf(a)] }, { id })).toMatchObject({ phase: 'done', outcome: { removed: [keyOf(a)] } });
    const other = await repository();
    await expect(request(name, { kind: 'sign' }, { id })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    await expect(request(name, { kind: 'remove', keys: [keyOf(a)] }, { id, force: true })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    await expect(request(other, { kind: 'remove', keys: [keyOf(a)] }, { id })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    const racing = randomUUID();
    const answers = await Promise.all(Array.from({ length: 5 }, () => request(name, { kind: 'sign' }, { id: racing })));
    expect(answers.map((change) => change.id)).toEqual(Array(5).fill(racing));
    await settle(name);
    expect((await reads().states(name, { limit: 9 })).map(({ kinds }) => kinds)).toEqual([['sign'], ['remove'], ['publish']]);
  });

  it.each<[string, unknown]>([
    ['too many uploads', { kind: 'publish', uploads: Array.from({ length: 1001 }, () => randomUUID()), contents: [], origin: {} }],
    ['nothing to publish', { kind: 'publish', uploads: [], contents: [], origin: {} }],
    ['an upload twice', { kind: 'publish', uploads: ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001'], contents: [], origin: {} }],
    ['an id that is none', { kind: 'publish', uploads: ['x'], contents: [], origin: {} }],
    ['a password in its origin', { kind: 'publish', uploads: [randomUUID()], contents: [], origin: { url: 'https://ann:secret@builds.test/1' } }],
    ['a key with NUL', { kind: 'remove', keys: ['a\0b'] }],
    ['another kind', { kind: 'explode' }],
    ['more than is asked for', { kind: 'sign', now: true }],
    ['a state that cannot be', { kind: 'roll-back', to: 0 }],
  ])('with %s is refused', async (_what, wrong) => {
    const name = await repository();
    const refused = await request(name, wrong as ChangeRequest).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'invalid-request' });
    expect(String((refused as Error).message)).not.toContain('secret');
    expect(await reads().changes(name, { limit: 1 })).toEqual([]);
  });

  it('needs uploads of its own repository', async () => {
    const [one, other] = [await repository(), await repository()];
    const foreign = await upload(other, a);
    await expect(request(one, { kind: 'publish', uploads: [foreign], contents: [], origin: {} })).rejects.toMatchObject({ code: 'upload-not-found', details: [{ upload: foreign }] });
    await expect(request('none', { kind: 'sign' })).rejects.toMatchObject({ code: 'repository-not-found' });
    await expect(request(one, { kind: 'sign' }, { id: 'X' })).rejects.toMatchObject({ code: 'invalid-request' });
    await expect(reads().change(randomUUID())).rejects.toMatchObject({ code: 'change-not-found' });
    await expect(reads().change('x')).rejects.toMatchObject({ code: 'change-not-found' });
  });

  it('is found among the others, newest first', async () => {
    const name = await repository();
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.unshift((await request(name, { kind: 'sign' })).id);
    const found = await reads().changes(name, { limit: 2 });
    expect([...found, ...(await reads().changes(name, { limit: 2, before: ids[1] ?? '' }))].map(({ id }) => id)).toEqual(ids);
  });
});

describe('a state that cannot be made', () => {
  it('fails its changes, and its number is not used again', async () => {
    const name = await repository();
    await publish(name, [a]);
    const change = await publishing(name, [{ name: 'b', version: '1' }]);
    const planned = await plan(name);
    await commands().abandoned(planned, problem);
    await commands().abandoned(planned, problem);
    expect(await reads().change(change.id)).toMatchObject({ phase: 'failed', problem, outcome: null });
    expect(await keys(name)).toEqual([keyOf(a)]);
    await expect(commands().published(planned, indexOf(2))).rejects.toMatchObject({ code: 'state-not-found' });
    expect(await publish(name, [{ name: 'b', version: '1', build: 'other' }])).toMatchObject({ state: 3, added: ['b-1.rpm'] });
    expect((await reads().states(name, { limit: 9 })).map(({ state }) => state)).toEqual([3, 1]);
    expect((await messages(name)).map(({ kind }) => kind)).toEqual(['created', 'published', 'failed', 'published']);
  });
});

describe('the totals of a repository', () => {
  const totals = async (name: string) => (await reads().totals()).find(({ repository: of }) => of === name);

  it('are those of what clients see, of what waits and of what has ended', async () => {
    const name = await repository();
    expect(await totals(name)).toEqual({ repository: name, state: 0, packages: 0, bytes: 0, waiting: 0, oldestSeconds: 0, lastSeconds: 0, lastFailed: false, publishedAt: 0, uploads: 0, uploadBytes: 0 });
    await publishing(name, [a]);
    later(3);
    await settle(name);
    const published = { repository: name, state: 1, packages: 1, lastSeconds: 3, lastFailed: false, publishedAt: Date.parse(at()) / 1000, uploads: 1 };
    expect(await totals(name)).toMatchObject({ ...published, waiting: 0 });
    await publishing(name, [{ name: 'b', version: '1' }]);
    const { oldestSeconds, ...waiting } = (await totals(name)) ?? { oldestSeconds: 0 };
    expect(oldestSeconds).toBeGreaterThan(1e6); // the clock of the spec is long ago
    expect(waiting).toMatchObject({ ...published, waiting: 1, uploads: 2 });
    await commands().abandoned(await plan(name), problem);
    expect(await totals(name)).toMatchObject({ ...published, lastFailed: true, waiting: 0, oldestSeconds: 0, uploads: 2 });
  });
});

describe('what is done by the clock', () => {
  it('is in the stream and told where it fails, once for each time', async () => {
    const name = await repository();
    const failed = { task: 'synchronisation' as const, problem: { code: 'source-unavailable', message: 'the upstream is away', details: [{ url: 'http://upstream.test/' }] }, failedAt: at() };
    await commands().upkeepFailed(name, failed);
    await commands().upkeepFailed(name, failed);
    await commands().upkeepFailed(name, { ...failed, task: 'check' });
    await commands().upkeepFailed(name, { ...failed, failedAt: at(60) });
    expect(await eventTypes(name)).toEqual(['RepositoryCreated', 'UpkeepFailed', 'UpkeepFailed', 'UpkeepFailed']);
    const told = (await messages(name)).filter(({ kind }) => kind === 'upkeep-failed');
    expect(told.map(({ task }) => task)).toEqual(['synchronisation', 'check', 'synchronisation']);
    expect(told[0]).toMatchObject({ event: 'repository-changed', repository: name, state: 0, problem: { code: 'source-unavailable', message: 'the upstream is away' }, at: failed.failedAt, url: `https://repositories.test/${name}/` });
    await expect(commands().upkeepFailed('nobody', failed)).rejects.toMatchObject({ code: 'repository-not-found' });
  });
});

describe('a state that some changes spoil', () => {
  it('fails these, and the others are planned again', async () => {
    const name = await repository();
    const changes = [await publishing(name, [a]), await publishing(name, [{ name: 'bad', version: '1' }]), await publishing(name, [{ name: 'c', version: '1' }])];
    const [, bad] = changes;
    await commands().abandoned(await plan(name), problem, [bad?.id ?? '']);
    expect(await reads().waiting(name, 9)).toMatchObject([{ id: changes[0]?.id, phase: 'inspected', outcome: null }, { id: changes[2]?.id, phase: 'inspected' }]);
    expect((await messages(name)).at(-1)).toMatchObject({ kind: 'failed', changes: [{ id: bad?.id }] });
    await settle(name);
    expect((await Promise.all(changes.map(({ id }) => reads().change(id)))).map(({ phase, outcome }) => [phase, outcome?.state])).toEqual([['done', 2], ['failed', undefined], ['done', 2]]);
    expect(await keys(name)).toEqual(['a-1.rpm', 'c-1.rpm']);
  });

  it('of which none is named yet has them all planned again, as few as are asked for, and tells nobody', async () => {
    const name = await repository();
    const changes = [await publishing(name, [a]), await publishing(name, [{ name: 'b', version: '1' }])];
    await commands().abandoned(await plan(name), problem, []);
    expect(await reads().waiting(name, 9)).toMatchObject(changes.map(({ id }) => ({ id, phase: 'inspected', outcome: null, problem: null })));
    expect((await messages(name)).map(({ kind }) => kind)).toEqual(['created']);
    expect(await commands().plan(name, { changes: 1 })).toMatchObject({ state: 2, changes: [changes[0]?.id] });
  });

  it('of which nobody is one of its own fails with all', async () => {
    const name = await repository();
    const change = await publishing(name, [a]);
    await commands().abandoned(await plan(name), problem, [randomUUID()]);
    expect(await reads().change(change.id)).toMatchObject({ phase: 'failed' });
  });
});

describe('a state that clients may see some of', () => {
  it('is carried through', async () => {
    const name = await repository();
    const change = await publishing(name, [a]);
    const planned = await plan(name);
    await commands().switching(planned);
    await commands().switching(planned);
    await expect(commands().abandoned(planned, problem)).rejects.toMatchObject({ code: 'record-conflict' });
    expect(await plan(name)).toEqual(planned);
    await commands().published(planned, indexOf(1));
    expect(await reads().change(change.id)).toMatchObject({ phase: 'done' });
  });

  it('is never one that was abandoned', async () => {
    const name = await repository();
    await publishing(name, [a]);
    const planned = await plan(name);
    await commands().abandoned(planned, problem);
    await expect(commands().switching(planned)).rejects.toMatchObject({ code: 'record-conflict' });
    await publishing(name, [a]);
    const next = await plan(name);
    const racing = await Promise.allSettled([commands().switching(next), commands().abandoned(next, problem)]);
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('several workers', () => {
  it('that plan at once are given the same state', async () => {
    const name = await repository();
    await publishing(name, [a]);
    const plans = await Promise.all(Array.from({ length: 5 }, () => commands().plan(name, { changes: 1 })));
    expect(new Set(plans.map((planned) => JSON.stringify(planned))).size).toBe(1);
  });

  it('that publish at once publish once', async () => {
    const name = await repository();
    await publishing(name, [a]);
    const planned = await plan(name);
    const published = await Promise.all(Array.from({ length: 5 }, () => commands().published(planned, indexOf(1))));
    expect(new Set(published.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await eventTypes(name)).toEqual(['RepositoryCreated', 'PackagesListed', 'StatePublished']);
    await expect(commands().abandoned(planned, problem)).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(commands().switching(planned)).rejects.toMatchObject({ code: 'record-conflict' });
    expect(await keys(name)).toEqual([keyOf(a)]);
  });

  it('that publish and abandon at once do one of the two', async () => {
    for (let round = 0; round < 5; round += 1) {
      const name = await repository();
      const change = await publishing(name, [a]);
      const planned = await plan(name);
      const [published] = await Promise.allSettled([commands().published(planned, indexOf(1)), commands().abandoned(planned, problem)]);
      const { phase } = await reads().change(change.id);
      expect([published.status, phase, await keys(name)]).toEqual(published.status === 'fulfilled' ? ['fulfilled', 'done', [keyOf(a)]] : ['rejected', 'failed', []]);
    }
  });
});

describe('uploads', () => {
  it('are added once under their id', async () => {
    const name = await repository();
    const { id, uploadedAt } = await uploaded(name, a);
    later(10);
    expect(await uploaded(name, a, id as ReturnType<typeof randomUUID>)).toMatchObject({ id, uploadedAt, key: null });
    await expect(uploaded(name, { ...a, build: 'other' }, id as ReturnType<typeof randomUUID>)).rejects.toMatchObject({ code: 'idempotency-conflict' });
    await inspected(id, a);
    expect(await reads().upload(id)).toMatchObject({ key: keyOf(a) });
    await expect(reads().upload(randomUUID())).rejects.toMatchObject({ code: 'upload-not-found' });
    await expect(inspected(randomUUID(), a)).rejects.toMatchObject({ code: 'upload-not-found' });
    await expect(commands().addUpload({ id: randomUUID(), repository: 'none', fileName: 'a', sha256: digestOf(''), size: 0, by })).rejects.toMatchObject({ code: 'repository-not-found' });
    await expect(commands().addUpload({ id: randomUUID(), repository: name, fileName: 'a', sha256: 'A', size: 0, by })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('whose package says what no record can keep are refused', async () => {
    const name = await repository();
    const { id } = await uploaded(name, a);
    const described = { key: 'a', name: 'a', version: '1', architecture: 'any', path: 'packages/a', component: '', metadata: Buffer.from('') };
    for (const wrong of [{ key: 'a\0b' }, { version: '\ud800' }, { key: 'a'.repeat(501) }, { path: 'a'.repeat(1001) }, { key: '' }]) {
      await expect(commands().describeUpload(id, { ...described, ...wrong })).rejects.toMatchObject({ code: 'package-invalid' });
    }
  });

  it('leave when they are published, or when nobody has wanted them for long', async () => {
    const name = await repository();
    const [done, failed, unused, waiting] = [await upload(name, a), await upload(name, { ...a, build: 'x' }), await upload(name, { name: 'b', version: '1' }), await upload(name, { name: 'c', version: '1' })];
    const publishAll = (ids: string[]) => request(name, { kind: 'publish', uploads: ids, contents: [], origin: {} });
    await publishAll([done]);
    await settle(name);
    await publishAll([failed]);
    await settle(name);
    await publishAll([waiting]);
    const stale = async (): Promise<string[]> => (await commands().staleUploads(name, 100)).map(({ id }) => id).sort();
    expect(await stale()).toEqual([done]);
    later(101);
    expect(await stale()).toEqual([done, failed, unused].sort());
    await expect(publishAll([unused])).rejects.toMatchObject({ code: 'upload-not-found' });
    await commands().forgetUploads([done, unused, waiting]);
    expect(await stale()).toEqual([failed]);
    expect(await reads().upload(waiting)).toMatchObject({ id: waiting });
  });

  it('that a change is asked for with never leave, however close the two are', async () => {
    const name = await repository();
    for (let round = 0; round < 10; round += 1) {
      const id = await upload(name, { name: `n${round}`, version: '1' });
      later(1000);
      const [asked, leaving] = await Promise.allSettled([request(name, { kind: 'publish', uploads: [id], contents: [], origin: {} }), commands().staleUploads(name, 100)]);
      const left = leaving.status === 'fulfilled' && leaving.value.some((one) => one.id === id);
      expect([asked.status, left]).toEqual(left ? ['rejected', true] : ['fulfilled', false]);
    }
  });

  it('give what their bytes say to every repository of the kind, for ever', async () => {
    const name = await repository();
    const id = await upload(name, a);
    const { sha256 } = await reads().upload(id);
    later(1000);
    await commands().staleUploads(name, 1);
    await commands().forgetUploads([id]);
    await commands().rememberMetadata('rpm', new Map([[sha256, Buffer.from('other')], [digestOf('lost'), Buffer.from('found')]]));
    const known = await reads().metadata('rpm', [sha256, digestOf('lost'), digestOf('never')]);
    expect([...known.values()].map(String).sort()).toEqual(['found', 'metadata of a-1.rpm']);
    expect((await reads().metadata('deb', [sha256])).size).toBe(0);
  });
});
