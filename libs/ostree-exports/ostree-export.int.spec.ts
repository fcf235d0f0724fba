import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { blobOf, engineScene, push, reference, write } from '../cache-engine/__fixtures__/engine-scene.js';
import type { OpenArtifactCache } from '../cache-engine/create-artifact-cache.js';
import type { SmallBlob } from '../cache-engine/artifact-cache.js';
import type { EntryKind } from '../cache/cache-entry.js';
import { createNamedLocks } from '../database/advisory-locks.js';
import { createOstreeRecord } from '../ostree-record/create-ostree-record.js';
import { Directory } from '../remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { Artifact } from '../remote-apis/generated/buildstream/v2/artifact.js';
import { describeWith } from '../testing/describe-with.js';
import { createOstreeExport, type OstreeExport } from './ostree-export.js';

const v1 = 'urn:fdc:buildstream.build:2020:v1:';
const v2 = 'urn:fdc:buildstream.build:2020:artifact:';

describeWith('ostree', 'the OSTree repository of a cache', () => {
  const scene = engineScene();
  const clients = mkdtempSync(path.join(os.tmpdir(), 'millrace-ostree-clients-'));
  let cache: OpenArtifactCache;
  let exporter: OstreeExport;
  let instance = '';
  let repository = '';
  const signal = new AbortController().signal;

  beforeAll(() => {
    instance = scene.instance();
    cache = scene.cache();
    repository = path.join(scene.root(), '.ostree', instance);
    exporter = exporterOf();
    // The tool wants them in a folder that it opens itself; over HTTP nobody lists folders.
    for (const folder of ['objects', 'refs/heads', 'refs/remotes']) mkdirSync(path.join(repository, folder), { recursive: true });
  });
  afterAll(() => rmSync(clients, { recursive: true, force: true }));

  function exporterOf(): OstreeExport {
    const spool = path.join(scene.root(), '.ostree-spool');
    return createOstreeExport({
      cache,
      store: scene.store(),
      record: createOstreeRecord(scene.database(), { now: () => new Date(scene.now()) }),
      locks: createNamedLocks(scene.databaseUrl()),
      spool: async () => {
        await mkdir(spool, { recursive: true });
        return spool;
      },
      now: () => new Date(scene.now()),
    });
  }

  const round = () => exporter.round(instance, { signal });
  const ostree = (repo: string, ...args: readonly string[]): string => execFileSync('ostree', [`--repo=${repo}`, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

  async function kept(blob: SmallBlob): Promise<SmallBlob> {
    await write(cache, instance, blob);
    return blob;
  }

  async function directory(message: Parameters<typeof Directory.fromPartial>[0]): Promise<SmallBlob> {
    return kept(await blobOf(Buffer.from(Directory.encode(Directory.fromPartial(message)).finish())));
  }

  const node = (name: string, { digest: { hash, size } }: SmallBlob) => ({ name, digest: { hash, sizeBytes: size } });
  const pushed = (kind: EntryKind, key: string, target: SmallBlob, references: readonly SmallBlob[] = []) =>
    cache.putEntry({ instance, kind, key, qualifiers: {}, target: reference(target, kind === 'directory' ? 'directory' : 'plain'), value: undefined, references: references.map((each) => reference(each, 'directory')), properties: {}, expiresAt: undefined, origin: {} }, push);

  /** What a client of its own has after pulling a ref into an empty repository, and checking out. */
  function pulled(ref: string): string {
    const client = mkdtempSync(path.join(clients, 'client-'));
    const repo = path.join(client, 'repo');
    execFileSync('ostree', ['init', `--repo=${repo}`, '--mode=bare-user']);
    ostree(repo, 'remote', 'add', '--no-gpg-verify', 'cache', `file://${repository}`);
    ostree(repo, 'pull', 'cache', ref);
    ostree(repo, 'fsck');
    const tree = path.join(client, 'tree');
    ostree(repo, 'checkout', '-U', `cache:${ref}`, tree);
    return tree;
  }

  const large = randomBytes(700_000);
  async function tree(): Promise<SmallBlob> {
    const tool = await kept(await blobOf('#!/bin/sh\nexit 0\n'));
    const bin = await directory({ files: [{ ...node('tool', tool), isExecutable: true }], symlinks: [{ name: 'other', target: 'tool' }] });
    const files = await directory({ files: [node('large', await kept(await blobOf(large))), node('nothing', await blobOf('')), node('same', tool)], directories: [node('bin', bin), node('leer-ä', await directory({}))] });
    return directory({ directories: [node('files', files)] });
  }

  it('is there before anything was pushed, and says so', async () => {
    await round();
    expect(ostree(repository, 'summary', '-v')).not.toContain('*');
    expect(ostree(repository, 'refs')).toBe('');
  });

  it('has an artifact of BuildStream 1 under its key, as the real tool pulls and checks it', async () => {
    await pushed('directory', `${v1}project/base-element.bst/0123abc`, await tree());
    expect(await round()).toMatchObject({ exported: 1, refused: 0, dropped: 0 });
    expect(ostree(repository, 'refs')).toBe('project/base-element.bst/0123abc');
    expect(ostree(repository, 'summary', '-v')).toContain('project/base-element.bst/0123abc');
    const there = pulled('project/base-element.bst/0123abc');
    expect(readdirSync(path.join(there, 'files')).toSorted()).toEqual(['bin', 'large', 'leer-ä', 'nothing', 'same']);
    expect(readFileSync(path.join(there, 'files/large')).equals(large)).toBe(true);
    expect(lstatSync(path.join(there, 'files/bin/tool')).mode & 0o777).toBe(0o755);
    expect(lstatSync(path.join(there, 'files/same')).mode & 0o777).toBe(0o644);
    expect(readlinkSync(path.join(there, 'files/bin/other'))).toBe('tool');
    expect(await round()).toEqual({ exported: 0, refused: 0, dropped: 0, deleted: 0, more: false });
  });

  it('has the same commit for the same tree, and for one of BuildStream 2 that has it as its files', async () => {
    const root = await tree();
    await pushed('directory', `${v1}project/base-element.bst/weak`, root);
    const files = Directory.decode(root.content).directories[0]?.digest;
    const artifact = await kept(await blobOf(Buffer.from(Artifact.encode(Artifact.fromPartial({ version: 1, strongKey: 'strong', files })).finish())));
    await pushed('blob', `${v2}project/sub+dir/element.bst/strong`, artifact, [{ digest: { function: 'sha256', hash: files?.hash ?? '', size: files?.sizeBytes ?? 0 }, content: Buffer.alloc(0) }]);
    expect(await round()).toMatchObject({ exported: 2, refused: 0 });
    const refs = ['project/base-element.bst/0123abc', 'project/base-element.bst/weak', 'project/sub_dir_element.bst/strong'];
    expect(new Set(refs.map((ref) => ostree(repository, 'rev-parse', ref))).size).toBe(1);
    expect(readFileSync(path.join(pulled(refs[2] as string), 'files/large')).equals(large)).toBe(true);
  });

  it('does not have what is not complete or can be no tree of files, until it is', async () => {
    const missing = await blobOf('not there yet');
    await pushed('directory', `${v1}project/late/key`, await directory({ files: [node('late', missing)] }));
    await pushed('directory', `${v1}project/evil/key`, await directory({ files: [node('../escape', await kept(await blobOf('x')))] }));
    await pushed('directory', `${v1}nothing-but-a-name`, await directory({}));
    expect(await round()).toMatchObject({ exported: 0, refused: 3 });
    expect(await round()).toMatchObject({ exported: 0, refused: 0 });
    await kept(missing);
    scene.pass(61);
    expect(await round()).toMatchObject({ exported: 1, refused: 0 });
    expect(readFileSync(path.join(pulled('project/late/key'), 'late'), 'utf8')).toBe('not there yet');
    expect(existsSync(path.join(repository, 'refs/heads/project/evil'))).toBe(false);
  });

  it('loses the refs of what was evicted, and the objects that nothing needs after a grace time', async () => {
    const before = await exporter.usage(instance);
    await cache.removeEntry({ instance, kind: 'directory', key: `${v1}project/late/key`, qualifiers: {} }, push);
    expect(await round()).toMatchObject({ dropped: 1, deleted: 0 });
    expect(ostree(repository, 'summary', '-v')).not.toContain('project/late/key');
    expect(() => ostree(repository, 'rev-parse', 'project/late/key')).toThrow();
    scene.pass(3700);
    expect(await round()).toMatchObject({ deleted: 3 });
    expect((await exporter.usage(instance)).objects).toBe(before.objects - 3);
    expect(ostree(repository, 'fsck')).toContain('no errors found');
  });

  it('gives a ref to one entry only, where two keys would have it', async () => {
    const [one, other] = [await directory({ files: [node('one', await kept(await blobOf('one')))] }), await directory({})];
    await pushed('directory', `${v1}project/a+b.bst/key`, one);
    await round();
    await pushed('directory', `${v1}project/a_b.bst/key`, other);
    expect(await round()).toMatchObject({ exported: 0, refused: 1 });
    expect(await round()).toMatchObject({ exported: 0, refused: 0 });
    expect(readdirSync(pulled('project/a_b.bst/key'))).toEqual(['one']);
    await cache.removeEntry({ instance, kind: 'directory', key: `${v1}project/a+b.bst/key`, qualifiers: {} }, push);
    scene.pass(601);
    expect(await round()).toMatchObject({ exported: 1 });
    expect(readdirSync(pulled('project/a_b.bst/key'))).toEqual([]);
  });

  it('is made whole again where a round broke off anywhere', async () => {
    for (let writes = 0; writes < 12; writes += 1) {
      await pushed('directory', `${v1}project/again/key${writes}`, await directory({ files: [node('unlike', await kept(await blobOf(`${writes}`)))], directories: [node('d', await directory({ files: [node('deep', await kept(await blobOf(`deep ${writes}`)))] }))] }));
      let left = writes;
      const store = scene.store();
      const failing = { ...store, put: (...args: Parameters<typeof store.put>) => ((left -= 1) < 0 ? Promise.reject(new Error('killed')) : store.put(...args)) };
      const broken = createOstreeExport({ cache, store: failing, record: createOstreeRecord(scene.database(), { now: () => new Date(scene.now()) }), locks: createNamedLocks(scene.databaseUrl()), spool: () => Promise.resolve(clients), now: () => new Date(scene.now()) });
      await broken.round(instance, { signal }).catch((error: unknown) => expect(error).toMatchObject({ message: 'killed' }));
      // Whatever is listed by then is whole.
      expect(ostree(repository, 'fsck')).toContain('no errors found');
      await round();
      expect(ostree(repository, 'summary', '-v')).toContain(`project/again/key${writes}`);
    }
    expect(readFileSync(path.join(pulled('project/again/key11'), 'd/deep'), 'utf8')).toBe('deep 11');
  });
});
