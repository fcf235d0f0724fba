import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { bufferSource } from '../../haiku/byte-source.js';
import { canonicalFileName } from '../../haiku/package/package-info.js';
import { readRepositoryFile } from '../../haiku/repository/repository-file.js';
import { breakingStore } from '../../repository-engine/__fixtures__/breaking-store.js';
import { engineScene, options, stream } from '../../repository-engine/__fixtures__/engine-scene.js';
import type { RepositoryEngine } from '../../repository-engine/repository-engine.js';
import { createRepositoryCommands } from '../../repository-record/create-repository-commands.js';
import { parseRepositorySettings } from '../../repository/repository-settings.js';
import { openMinisignKey } from '../../signing/minisign-key.js';
import { verifyMinisign } from '../../signing/minisign-signature.js';
import type { ObjectStore } from '../../object-storage/object-store.js';
import { makeHaikuPackage, type MadePackage } from '../../testing/haiku/make-haiku-package.js';
import { haikuSettings, unsigned } from './__fixtures__/haiku-job.js';
import { madeSecretKey } from './__fixtures__/made-secret-key.js';
import { haikuFormat } from './haiku-format.js';

jest.setTimeout(60_000);

const scene = engineScene();
const compare = (one: string, other: string): number => haikuFormat.compareVersions(one, other);
const commands = () => createRepositoryCommands(scene.spec.database, { repositoryUrl: 'http://repositories.test', compareVersions: { haiku: compare, rpm: compare, deb: compare } });
const signer = openMinisignKey('farm', { text: madeSecretKey(), password: undefined });

async function engine(store?: (folder: string) => ObjectStore): Promise<RepositoryEngine> {
  const { key, sign } = await signer;
  const keys = { ...unsigned, list: () => Promise.resolve([key]), minisign: (_name: string, content: Buffer, about: Parameters<typeof sign>[1]) => Promise.resolve(sign(content, about)) };
  return scene.engine(store, { commands: commands(), formats: { haiku: haikuFormat, rpm: haikuFormat, deb: haikuFormat }, keys });
}

let repositories = 0;

async function repository(): Promise<string> {
  const name = `haiku${(repositories += 1)}`;
  const settings = parseRepositorySettings('haiku', { haiku: haikuSettings, keys: ['farm'], guard: { packages: 1000, share: 1 } });
  await commands().create({ name, kind: 'haiku', place: { store: 'default', folder: name }, settings }, 'ann');
  return name;
}

async function request(name: string, ...packages: readonly MadePackage[]): Promise<string> {
  const uploads: string[] = [];
  for (const made of packages) {
    const id = randomUUID();
    uploads.push(id);
    await (await engine()).receive(name, stream(makeHaikuPackage(made)), { id, fileName: `${made.name}.hpkg`, by: 'ann' });
  }
  const id = randomUUID();
  await commands().requestChange({ id, repository: name, request: { kind: 'publish', uploads, contents: [], origin: {} }, by: 'ann', force: false });
  return id;
}

/** All steps from what waits to what clients see, as the workflow takes them. */
async function carryOut(name: string, of: RepositoryEngine): Promise<void> {
  for (const change of await scene.reads().waiting(name, 100)) await of.inspect(change, options);
  const planned = await commands().plan(name, { changes: 100 });
  if (planned === undefined) return;
  await of.place(planned, options);
  const index = await of.prepareIndex(planned, options);
  await of.switchIndex(planned, index, options);
  await commands().published(planned, index);
  await of.tidy(name, options);
}

async function publish(name: string, ...packages: readonly MadePackage[]): Promise<void> {
  await request(name, ...packages);
  await carryOut(name, await engine());
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Haiku's own client, with the repository file that it has or none: what it has then, or `checksum error`. */
function refresh(name: string, has: Buffer | undefined): Buffer | 'checksum error' {
  const at = (file: string): string => path.join(scene.folderOf(name), file);
  const checksum = readFileSync(at('repo.sha256'), 'utf8');
  if (has !== undefined && sha256(has) === checksum) return has;
  const repo = readFileSync(at('repo'));
  return sha256(repo) === checksum ? repo : 'checksum error';
}

/** Names of the package files that it lists, each of which is there with the bytes that it says. */
async function installable(name: string, repo: Buffer): Promise<readonly string[]> {
  const { packages } = await readRepositoryFile(bufferSource(repo));
  return packages.map(({ info, checksum }) => {
    const file = canonicalFileName(info);
    expect(sha256(readFileSync(path.join(scene.folderOf(name), 'packages', file)))).toBe(checksum);
    return file;
  });
}

const first = [{ name: 'foo', version: '1.9-1' }, { name: 'bar', version: '1-1' }];
const second = [{ name: 'foo', version: '1.10-1' }, { name: 'baz', version: '1-1', content: Buffer.alloc(200_000, 7) }];
const [before, after] = [['bar-1-1-x86_64.hpkg', 'foo-1.9-1-x86_64.hpkg'], ['bar-1-1-x86_64.hpkg', 'baz-1-1-x86_64.hpkg', 'foo-1.10-1-x86_64.hpkg']];

describe('a haiku repository in a directory', () => {
  it('is signed, has what clients ask for and nothing of the spool, and the newest version of each name only', async () => {
    const name = await repository();
    await publish(name, ...first);
    await publish(name, ...second);
    const at = (file: string): Buffer => readFileSync(path.join(scene.folderOf(name), file));
    expect(await installable(name, refresh(name, undefined) as Buffer)).toEqual(after);
    expect(at('package.list').toString()).toBe(after.join('\n'));
    const { comment } = verifyMinisign({ publicKeys: [(await signer).key.publicKey], content: at('repo'), signature: at('repo.minisig').toString() });
    expect(comment).toMatch(/^timestamp:\d+\tfile:repo\thashed$/);
    expect(existsSync(path.join(scene.folderOf(name), 'packages/foo-1.9-1-x86_64.hpkg'))).toBe(true);
    expect((await scene.reads().package(name, 'foo-1.9-1-x86_64.hpkg')).listed).toEqual([{ from: 1, until: 2 }]);
  });

  it('is whole to Haiku\'s client whenever a publisher is killed; only one that is behind has to ask again, and only between the writes of the switch', async () => {
    const whole = await repository();
    await publish(whole, ...first);
    await request(whole, ...second);
    const watched = breakingStore(scene.placeOf(whole));
    await carryOut(whole, await engine(() => watched.store));
    // What lies in folders with a dot is nothing to clients.
    const writes = watched.calls.flatMap((call, index) => (/^(put|copy|remove) (?!\.)/.test(call) ? [index + 1] : []));
    expect(writes.length).toBeGreaterThanOrEqual(7);
    const torn: string[] = [];
    for (const at of writes) {
      const name = await repository();
      await publish(name, ...first);
      const [old, older] = [refresh(name, undefined) as Buffer, undefined];
      await request(name, ...second);
      const broken = breakingStore(scene.placeOf(name), { at, after: true });
      await expect(engine(() => broken.store).then((one) => carryOut(name, one))).rejects.toThrow('killed');
      const upToDate = refresh(name, old);
      expect(upToDate).not.toBe('checksum error');
      expect([before, after]).toContainEqual(await installable(name, upToDate as Buffer));
      expect(await installable(name, old)).toEqual(before);
      if (refresh(name, older) === 'checksum error') torn.push(broken.calls[at - 1] as string);
      if ((await scene.reads().get(name)).state < 2) await carryOut(name, await engine());
      expect(await installable(name, refresh(name, old) as Buffer)).toEqual(after);
    }
    expect(torn).toEqual(['put repo']);
  });

  it('takes nothing of a change with one bad package, and keeps a package as it was published', async () => {
    const name = await repository();
    await publish(name, ...first);
    const strange = await request(name, { name: 'good', version: '1-1' }, { name: 'strange', version: '1-1', vendor: 'Somebody else' });
    const [change] = await scene.reads().waiting(name, 1);
    await expect(engine().then((one) => one.inspect(change as NonNullable<typeof change>, options))).rejects.toMatchObject({ code: 'package-invalid', details: [expect.objectContaining({ file: 'strange.hpkg', reason: expect.stringContaining('vendor "Somebody else"') })] });
    await commands().refuse(strange, { code: 'package-invalid', message: 'no', details: [] });
    const other = await request(name, { name: 'foo', version: '1.9-1', content: Buffer.from('another build') });
    await carryOut(name, await engine());
    expect(await scene.reads().change(other)).toMatchObject({ phase: 'failed', problem: { code: 'package-conflict' } });
    expect(await installable(name, refresh(name, undefined) as Buffer)).toEqual(before);
  });
});
