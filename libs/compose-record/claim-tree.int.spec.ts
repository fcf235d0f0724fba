import { describe, expect, it } from '@jest/globals';
import type { ComposeRequest } from '../compose/compose-request.js';
import { generatedTree } from './__fixtures__/composes.js';
import { recordedComposes } from './__fixtures__/recorded-composes.js';

const { fresh, pinned, done, commands, later, at, read, expired, reads } = recordedComposes();

const releasable = async (): Promise<readonly number[]> => (await commands().releasableTrees(1000)).map(({ id }) => id);

describe('single flight', () => {
  it('gives one of fifty equal composes the work, and the others its files', async () => {
    const request = fresh();
    const ids = await Promise.all(Array.from({ length: 50 }, () => pinned(request)));
    const claims = await Promise.all(ids.map(async (id) => ({ id, ...(await commands().claimTree(id)) })));
    const leaders = claims.filter(({ kind }) => kind === 'generate');
    expect(leaders).toHaveLength(1);
    const leader = leaders[0]?.id ?? 0;
    expect(claims.filter(({ kind, tree }) => kind === 'follow' && tree.id === leader)).toHaveLength(49);
    expect(await commands().followers(leader)).toHaveLength(49);
    await commands().complete(leader, generatedTree(leader));
    later(30);
    const again = await Promise.all(ids.map((id) => commands().claimTree(id)));
    expect(new Set(again.map(({ kind, tree }) => `${kind} ${tree.id}`))).toEqual(new Set([`reuse ${leader}`]));
    const follower = ids.find((id) => id !== leader) ?? 0;
    expect(await read(follower)).toMatchObject({ state: 'done', reusedId: leader, doneAt: at(), expiresAt: at(3600), pungiComposeId: generatedTree(leader).pungiComposeId });
    expect(await commands().followers(leader)).toEqual([]);
  });
});

describe('those who wait for another', () => {
  const both = async (): Promise<readonly [number, number]> => {
    const request = fresh();
    const [leader, follower] = [await pinned(request), await pinned(request)];
    expect(await commands().claimTree(leader)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(follower)).toMatchObject({ kind: 'follow', tree: { id: leader } });
    return [leader, follower];
  };

  it.each<[string, (leader: number) => Promise<unknown>]>([
    ['was cancelled', (leader) => commands().cancel(leader, 'ann')],
    ['failed, but need not have', (leader) => commands().fail(leader, 'the disk was full', { final: false })],
    ['found its sources changed', (leader) => commands().unpin(leader, 'other packages')],
    ['is lost', async (leader) => {
      await commands().cancel(leader, 'ann');
      await expired(leader);
      for (const tree of await commands().releasableTrees(1000)) await commands().forgetTree(tree);
    }],
  ])('make it themselves when it %s', async (_what, end) => {
    const [leader, follower] = await both();
    await end(leader);
    expect(await commands().claimTree(follower)).toEqual({ kind: 'generate', tree: { id: follower, targetDir: 'default' } });
    expect(await read(follower)).toMatchObject({ state: 'generating', reusedId: null });
    expect(await releasable()).not.toContain(follower);
  });

  it('fail with it when it failed for good, and name it', async () => {
    const [leader, follower] = await both();
    await commands().fail(leader, 'nothing provides libfoo', { final: true });
    const reason = `Compose ${leader}, which generates the same files, has failed: nothing provides libfoo`;
    await expect(commands().claimTree(follower)).rejects.toMatchObject({ code: 'compose-closed', message: reason });
    expect(await read(follower)).toMatchObject({ state: 'failed', stateReason: reason, reusedId: leader });
    // Its address leads to the logs of the leader, so these stay as long as it does.
    await expired(leader);
    expect(await releasable()).not.toContain(leader);
    await expired(follower);
    expect(await releasable()).toContain(leader);
  });

  it('choose one of them that goes on', async () => {
    const request = fresh();
    const [leader, ...others] = await Promise.all(Array.from({ length: 10 }, () => pinned(request)));
    if (leader === undefined) throw new Error('there are ten');
    await commands().claimTree(leader);
    for (const id of others) await commands().claimTree(id);
    await commands().cancel(leader, 'ann');
    const claims = await Promise.all(others.map((id) => commands().claimTree(id)));
    expect(claims.filter(({ kind }) => kind === 'generate')).toHaveLength(1);
    expect(claims.filter(({ kind }) => kind === 'follow')).toHaveLength(8);
  });

  it('are left alone by one that only waits: its own end is not theirs', async () => {
    const [leader, follower] = await both();
    await commands().cancel(follower, 'ann');
    expect(await read(follower)).toMatchObject({ state: 'failed', stateReason: 'Canceled by ann', reusedId: null });
    await commands().complete(leader, generatedTree(leader));
    expect(await read(leader)).toMatchObject({ state: 'done' });
  });
});

describe('equal composes', () => {
  it('are those whose files would be equal', async () => {
    const request = fresh({ packages: ['b', 'a'], sigkeys: ['A1', ''], arches: ['x86_64', 'aarch64'], flags: ['no_deps', 'check_deps'] });
    const id = await done(request);
    const same: Partial<ComposeRequest> = { packages: ['a', 'b'], arches: ['aarch64', 'x86_64'], flags: ['check_deps', 'no_deps'], secondsToLive: 5 };
    const equal = await pinned({ ...request, ...same });
    expect(await commands().claimTree(equal)).toMatchObject({ kind: 'reuse', tree: { id } });
    for (const other of [{ sigkeys: ['', 'A1'] }, { packages: ['a'] }, { targetDir: 'private' }, { respinOf: 'odcs-1' }, { flags: ['no_deps' as const] }]) {
      expect(await commands().claimTree(await pinned({ ...request, ...other }))).toMatchObject({ kind: 'generate' });
    }
    expect(await commands().claimTree(await pinned(request, 'd'))).toMatchObject({ kind: 'generate' });
  });

  it('are not shared by who does not want that', async () => {
    const request = fresh({ flags: ['no_reuse'] });
    await done(request);
    const other = await pinned(request);
    expect(await commands().claimTree(other)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(other)).toMatchObject({ kind: 'generate', tree: { id: other } });
  });

  it('do not share files that are not there any more, and those who were promised them are left alone', async () => {
    const request = fresh();
    const id = await done(request);
    const asked: unknown[] = [];
    const isGone = async (tree: unknown): Promise<boolean> => Promise.resolve(asked.push(tree) === 0);
    const other = await pinned(request);
    expect(await commands().claimTree(other, isGone)).toEqual({ kind: 'generate', tree: { id: other, targetDir: 'default' } });
    expect(asked).toEqual([{ id, targetDir: 'default' }]);
    await commands().complete(other, generatedTree(other));
    expect(await read(other)).toMatchObject({ state: 'done', reusedId: null });
    expect(await read(id)).toMatchObject({ state: 'done' });
    expect(await releasable()).not.toContain(id);
    // Back again, as after a mount that was away.
    expect(await commands().claimTree(await pinned(request), () => Promise.resolve(true))).toMatchObject({ kind: 'reuse', tree: { id } });
  });

  it('keep the files when the one that made them is deleted', async () => {
    const request = fresh();
    const id = await done(request);
    const reuser = await pinned(request);
    await commands().claimTree(reuser);
    await commands().remove(id, 'ann');
    await expired(id);
    expect(await releasable()).not.toContain(id);
    // Still there for others.
    expect(await commands().claimTree(await pinned(request)).then(({ kind, tree }) => `${kind} ${tree.id}`)).toBe(`reuse ${id}`);
    await Promise.all((await reads().list({ filters: { source: request.source.join(' '), state: 'done' }, orderBy: 'id', descending: false, offset: 0, limit: 10 })).composes.map((compose) => expired(compose.id)));
    expect(await releasable()).toContain(id);
    expect(await commands().claimTree(await pinned(request))).toMatchObject({ kind: 'generate' });
  });
});

