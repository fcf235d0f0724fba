import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { livingRepositories, sha256 } from './__fixtures__/living-repositories.js';
import { repairRepository, type RepairResult } from './repair-repository.js';

const living = livingRepositories();
const signal = new AbortController().signal;
const pool = (name: string): string => `pool/main/${name[0]}/${name}/${name}_1.0-1_amd64.deb`;
const repair = (name: string, options: { dryRun?: boolean; force?: boolean; deep?: boolean } = {}): Promise<RepairResult> => living.maintenance().repair(name, { by: 'ann', dryRun: false, force: false, signal, ...options });
const actions = ({ steps }: RepairResult): string[] => steps.map(({ action }) => action);

function replace(file: string, content: Buffer | string): void {
  rmSync(file, { force: true });
  writeFileSync(file, content);
}

/** After everything that was asked for was done, nothing is left to mend. */
async function expectMended(name: string): Promise<void> {
  await living.settle(name);
  expect((await living.maintenance().check(name, { deep: true, signal })).findings).toEqual([]);
}

describe('the repair of a repository', () => {
  it('brings lost packages back from the obsolete ones and from the spool', async () => {
    await living.create('lost', 'deb');
    await living.publishDebs('lost', [{ name: 'bash' }, { name: 'nano' }, { name: 'vim' }]);
    const store = living.storeOf('lost');
    await store.copy(pool('bash'), `.obsolete/${pool('bash')}`);
    await store.copy(pool('nano'), '.incoming/of-somebody');
    await store.put('.incoming/of-the-same-size', Buffer.alloc((await store.head(pool('nano')))?.size ?? 0));
    await store.remove([pool('bash'), pool('nano')]);
    const result = await repair('lost');
    expect(result.steps).toMatchObject([
      { action: 'bring-back', from: `.obsolete/${pool('bash')}` },
      { action: 'bring-back', from: '.incoming/of-somebody' },
    ]);
    expect(result.changes).toEqual([]);
    await expectMended('lost');
  });

  it('takes what is nowhere out of the list, and says so before', async () => {
    await living.create('nowhere', 'deb');
    await living.publishDebs('nowhere', [{ name: 'bash' }, { name: 'nano' }]);
    await living.storeOf('nowhere').remove([pool('bash')]);
    const tried = await repair('nowhere', { dryRun: true });
    expect(tried.steps).toEqual([{ action: 'remove-entry', package: 'bash_1.0-1_amd64.deb' }]);
    expect(tried.changes).toEqual([]);
    await living.settle('nowhere');
    expect(await living.keysOf('nowhere')).toHaveLength(2);
    const done = await repair('nowhere');
    await expectMended('nowhere');
    expect(await living.parts().reads.change(done.changes[0] as string)).toMatchObject({ request: { kind: 'repair' }, phase: 'done', by: 'ann' });
    expect(await living.keysOf('nowhere')).toEqual(['nano_1.0-1_amd64.deb']);
  });

  it('takes out no more than the guard lets go, unless forced', async () => {
    await living.create('guarded', 'deb', { guard: { packages: 1, share: 0.1 } });
    await living.publishDebs('guarded', [{ name: 'bash' }, { name: 'nano' }, { name: 'vim' }]);
    await living.storeOf('guarded').remove([pool('bash'), pool('nano')]);
    const [refused] = (await repair('guarded')).changes;
    await living.settle('guarded');
    expect(await living.parts().reads.change(refused as string)).toMatchObject({ phase: 'failed', problem: { code: 'change-guarded' } });
    expect(await living.keysOf('guarded')).toHaveLength(3);
    await repair('guarded', { force: true });
    await living.settle('guarded');
    expect(await living.keysOf('guarded')).toEqual(['vim_1.0-1_amd64.deb']);
  });

  it('sets damaged packages aside, with the bytes that were found', async () => {
    await living.create('damaged', 'deb');
    await living.publishDebs('damaged', [{ name: 'bash' }, { name: 'nano' }]);
    const good = readFileSync(living.file('damaged', pool('bash')));
    const bad = Buffer.from(good).fill(0, 100, 110);
    replace(living.file('damaged', pool('bash')), bad);
    await living.maintenance().check('damaged', { deep: true, signal });
    const result = await repair('damaged');
    expect(actions(result)).toEqual(['set-aside', 'remove-entry']);
    await expectMended('damaged');
    expect(readFileSync(living.file('damaged', `.obsolete/${pool('bash')}.damaged-${sha256(bad).slice(0, 16)}`)).equals(bad)).toBe(true);
    expect(await living.keysOf('damaged')).toEqual(['nano_1.0-1_amd64.deb']);
    // The very same bytes may come again, and no others.
    expect(await living.publish('damaged', [good])).toMatchObject({ phase: 'done' });
    await expectMended('damaged');
  });

  it('restores what clients begin with from the copy of its state, and writes the rest anew', async () => {
    await living.create('index', 'deb');
    await living.publishDebs('index', [{ name: 'bash' }]);
    const inRelease = readFileSync(living.file('index', 'dists/stable/InRelease'));
    rmSync(living.file('index', 'dists/stable/InRelease'));
    const { index } = await living.parts().reads.state('index', 1);
    const byHash = index.find(({ path }) => path.includes('/by-hash/') && existsSync(living.file('index', path))) as { path: string };
    replace(living.file('index', byHash.path), Buffer.alloc(readFileSync(living.file('index', byHash.path)).length));
    const result = await repair('index');
    expect(actions(result)).toEqual(['restore-index-file', 'drop-index-file', 'write-index']);
    expect(readFileSync(living.file('index', 'dists/stable/InRelease')).equals(inRelease)).toBe(true);
    await expectMended('index');
    expect(await living.parts().reads.change(result.changes[0] as string)).toMatchObject({ request: { kind: 'sign' }, phase: 'done' });
  });

  it('reads again what is known of no package any more', async () => {
    await living.create('forgotten', 'deb');
    await living.publishDebs('forgotten', [{ name: 'bash', content: 'known once\n' }]);
    const digest = sha256(readFileSync(living.file('forgotten', pool('bash'))));
    const [{ metadata } = { metadata: undefined }] = await query<{ metadata: Buffer }>(living.database(), 'select metadata from package_metadata where sha256 = $1', [digest]);
    await query(living.database(), 'delete from package_metadata where sha256 = $1', [digest]);
    expect(actions(await repair('forgotten'))).toEqual(['read-metadata', 'write-index']);
    const [again] = await query<{ metadata: Buffer }>(living.database(), 'select metadata from package_metadata where sha256 = $1', [digest]);
    expect(again?.metadata).toEqual(metadata);
    await expectMended('forgotten');
  });

  it('leaves to people what only they can mend', async () => {
    await living.create('needs', 'deb');
    await living.publishDebs('needs', [{ name: 'aa', fields: 'Depends: nothing-has-it\n' }]);
    expect(await repair('needs')).toMatchObject({ steps: [], changes: [], left: [{ kind: 'missing-dependency' }] });
  });

  it('takes out no more than the guard lets go, though it be by a thousand at a time', async () => {
    await living.create('vast', 'deb');
    await living.publishDebs('vast', [{ name: 'aa' }]);
    const listed = Array.from({ length: 4400 }, (_, index) => ({ key: `p${index}`, name: `p${index}`, version: '1', architecture: 'all', path: index < 3200 ? `pool/there/p${index}` : `pool/lost/p${index}`, sha256: sha256(`${index}`), size: 1, component: 'main', addedAt: '' }));
    const parts = living.parts();
    const reads = {
      ...parts.reads,
      async *allPackages() {
        yield* listed;
      },
      get: async () => ({ ...(await parts.reads.get('vast')), packages: listed.length }),
      package: async (_name: string, key: string) => ({ ...(await parts.reads.package('vast', 'aa_1.0-1_amd64.deb')), ...listed[Number(key.slice(1))] }),
      metadata: async (_kind: string, digests: readonly string[]) => new Map(digests.map((digest) => [digest, Buffer.from('Package: xx\nVersion: 1\nArchitecture: all\n')])),
    };
    mkdirSync(living.file('vast', 'pool/there'), { recursive: true });
    for (const { path: at } of listed.slice(0, 3200)) writeFileSync(living.file('vast', at), 'x');
    const mending = repairRepository({ ...parts, reads }, 'vast', { depth: 'quick', by: 'ann', runId: 'vast', dryRun: false, force: false, signal });
    await expect(mending).rejects.toMatchObject({ code: 'change-guarded', message: expect.stringContaining('would drop 1200 of 4400') });
    expect(await parts.reads.waiting('vast', 10)).toEqual([]);
  });
});
