import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { by, digestOf, indexOf, keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';

const { commands, reads, repository, upload, request, publishing, plan, settle, publish, remove, keys, later, at, messages, eventTypes } = recordedRepositories();
const bash: SpecPackage = { name: 'bash', version: '5.1' };
const newBash: SpecPackage = { name: 'bash', version: '5.2' };
const zsh: SpecPackage = { name: 'zsh', version: '5.9' };

describe('publishing', () => {
  it('shows packages once their state is published, and not before', async () => {
    const name = await repository();
    const change = await publishing(name, [zsh, bash]);
    expect(change).toMatchObject({ phase: 'inspected', outcome: null, problem: null, requestedAt: at(), endedAt: null });
    const planned = await plan(name);
    expect(planned).toMatchObject({ repository: name, state: 1, before: 0, changes: [change.id], removed: [], at: at() });
    expect(planned.added.map(({ key }) => key)).toEqual(['bash-5.1.rpm', 'zsh-5.9.rpm']);
    expect(planned.added.every(({ upload }) => upload !== undefined)).toBe(true);
    expect(await keys(name)).toEqual([]);
    expect(await keys(name, 1)).toEqual(['bash-5.1.rpm', 'zsh-5.9.rpm']);
    expect(await reads().change(change.id)).toMatchObject({ phase: 'planned', outcome: null });
    expect(await reads().unsettled(1000)).toContain(name);
    later(5);
    expect(await commands().published(planned, indexOf(1))).toMatchObject({ state: 1, packages: 2, changedAt: at() });
    expect(await keys(name)).toEqual(['bash-5.1.rpm', 'zsh-5.9.rpm']);
    expect(await reads().change(change.id)).toMatchObject({ phase: 'done', endedAt: at(), outcome: { state: 1, added: ['zsh-5.9.rpm', 'bash-5.1.rpm'], same: [], removed: [], obsoleted: [] } });
    expect(await reads().states(name, { limit: 9 })).toEqual([{ state: 1, at: at(-5), kinds: ['publish'], by: [by], packages: 2, bytes: expect.any(Number), added: 2, removed: 0, index: indexOf(1) }]);
    expect(await reads().unsettled(1000)).not.toContain(name);
    expect(await eventTypes(name)).toEqual(['RepositoryCreated', 'PackagesListed', 'StatePublished']);
    expect(await messages(name)).toMatchObject([
      { event: 'repository-changed', kind: 'created', url: `https://repositories.test/${name}/` },
      { event: 'repository-changed', repository: name, kind: 'published', state: 1, previous_state: 0, packages: 2, added: ['bash-5.1.rpm', 'zsh-5.9.rpm'], removed: [], changes: [{ id: change.id, kind: 'publish', by }], at: at() },
    ]);
  });

  it('accepts the same bytes again without a new state', async () => {
    const name = await repository();
    await publish(name, [bash]);
    expect(await publish(name, [bash])).toEqual({ state: 1, added: [], same: ['bash-5.1.rpm'], removed: [], obsoleted: [] });
    expect(await reads().get(name)).toMatchObject({ state: 1, packages: 1 });
  });

  it('refuses other bytes under a key for ever, with both digests, and all of the change', async () => {
    const name = await repository();
    await publish(name, [bash]);
    const other = { ...bash, build: 'again' };
    const refused = await publishing(name, [zsh, other]);
    await settle(name);
    const [first, second] = [digestOf('bash-5.1.rpm '), digestOf('bash-5.1.rpm again')];
    const problem = { code: 'package-conflict', message: expect.stringMatching(new RegExp(`${first}.*${second}`)), details: [{ key: 'bash-5.1.rpm', published: first, offered: second }] };
    expect(await reads().change(refused.id)).toMatchObject({ phase: 'failed', problem, outcome: null, endedAt: at() });
    expect(await keys(name)).toEqual(['bash-5.1.rpm']);
    await remove(name, [bash]);
    const again = await publishing(name, [other]);
    await settle(name);
    expect(await reads().change(again.id)).toMatchObject({ phase: 'failed', problem });
    expect(await publish(name, [bash])).toMatchObject({ added: ['bash-5.1.rpm'] });
    expect((await messages(name)).map(({ kind }) => kind)).toEqual(['created', 'published', 'failed', 'published', 'failed', 'published']);
  });

  it('puts changes that wait into one state, and fails the later of two that disagree alone', async () => {
    const name = await repository();
    const first = await publishing(name, [bash]);
    const conflicting = await publishing(name, [{ ...bash, build: 'other' }]);
    const same = await publishing(name, [bash]);
    const third = await publishing(name, [zsh]);
    const planned = await plan(name);
    expect(planned.changes).toEqual([first.id, same.id, third.id]);
    await commands().published(planned, indexOf(1));
    expect(await reads().change(conflicting.id)).toMatchObject({ phase: 'failed', problem: { code: 'package-conflict' } });
    expect(await reads().change(same.id)).toMatchObject({ phase: 'done', outcome: { state: 1, added: [], same: ['bash-5.1.rpm'] } });
    expect(await keys(name)).toEqual(['bash-5.1.rpm', 'zsh-5.9.rpm']);
    expect(await reads().state(name, 1)).toMatchObject({ added: 2, kinds: ['publish'] });
  });

  it('takes out older versions where the settings say how many stay', async () => {
    const name = await repository({ keepVersions: 1 });
    await publish(name, [bash, zsh]);
    expect(await publish(name, [newBash])).toEqual({ state: 2, added: ['bash-5.2.rpm'], same: [], removed: [], obsoleted: ['bash-5.1.rpm'] });
    expect(await publish(name, [{ name: 'bash', version: '4.0' }])).toMatchObject({ added: ['bash-4.0.rpm'], obsoleted: [] });
    expect(await keys(name)).toEqual(['bash-4.0.rpm', 'bash-5.2.rpm', 'zsh-5.9.rpm']);
  });

  it('waits for what is not inspected, and lets others go first', async () => {
    const name = await repository();
    const { id } = await commands().addUpload({ id: randomUUID(), repository: name, fileName: 'a', sha256: digestOf('a'), size: 1, by });
    const waiting = await request(name, { kind: 'publish', uploads: [id], contents: [], origin: {} });
    expect(waiting.phase).toBe('waiting');
    const other = await publishing(name, [zsh]);
    expect((await reads().waiting(name, 9)).map(({ id: change }) => change)).toEqual([waiting.id, other.id]);
    expect((await plan(name)).changes).toEqual([other.id]);
    await settle(name);
    expect(await reads().waiting(name, 9)).toMatchObject([{ id: waiting.id, phase: 'waiting' }]);
    const problem = { code: 'package-invalid', message: 'no', details: [] };
    expect(await commands().refuse(waiting.id, problem)).toMatchObject({ phase: 'failed', problem });
    expect(await commands().refuse(waiting.id, { ...problem, message: 'again' })).toMatchObject({ problem });
    expect(await commands().refuse(other.id, problem)).toMatchObject({ phase: 'done' });
  });

  it('takes contents by their digest: of an upload of anybody, or of a package that is there', async () => {
    const name = await repository();
    await upload(name, bash);
    const sha256 = digestOf('bash-5.1.rpm ');
    const contents = [{ sha256, from: { session: 's' } }];
    const change = await request(name, { kind: 'publish', uploads: [], contents, origin: { session: 's' } });
    expect(change.phase).toBe('inspected');
    await settle(name);
    expect(await reads().package(name, keyOf(bash))).toMatchObject({ sha256, origin: { session: 's' }, publishedBy: by, listed: [{ from: 1, until: null }] });
    await remove(name, [bash]);
    await request(name, { kind: 'publish', uploads: [], contents, origin: {} });
    await settle(name);
    expect(await reads().package(name, keyOf(bash))).toMatchObject({ origin: { session: 's' }, listed: [{ from: 1, until: 2 }, { from: 3, until: null }] });
    const unknown = await request(name, { kind: 'publish', uploads: [], contents: [{ sha256: digestOf('unknown'), from: { compose: 1 } }], origin: {} });
    expect(unknown.phase).toBe('waiting');
  });
});
