import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { createNamedLocks, type NamedLocks } from '../../database/advisory-locks.js';
import { openDirectoryStore } from '../../object-storage/directory/open-directory-store.js';
import type { ObjectStore } from '../../object-storage/object-store.js';
import { prefixedStore } from '../../object-storage/prefixed-store.js';
import { createRepositoryEngine } from '../../repository-engine/create-repository-engine.js';
import { buildDeb, type DebOptions } from '../../repository-formats/deb/__fixtures__/build-deb.js';
import { debFormat } from '../../repository-formats/deb/deb-format.js';
import { haikuFormat } from '../../repository-formats/haiku/haiku-format.js';
import { rpmFormat } from '../../repository-formats/rpm/rpm-format.js';
import { createRepositoryCommands } from '../../repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../../repository-record/create-repository-reads.js';
import type { ChangeRequest, RepositoryChange } from '../../repository/repository-change.js';
import { parseRepositorySettings } from '../../repository/repository-settings.js';
import type { Repository, RepositoryKind, RepositorySettings } from '../../repository/repository.js';
import { openSigningKeys } from '../../signing/open-signing-keys.js';
import type { SigningKeys } from '../../signing/signer.js';
import { specDatabase } from '../../testing/spec-database.js';
import { openRepositoryMaintenance, type RepositoryMaintenance } from '../repository-maintenance.js';

export const by = 'ann';
const signal = new AbortController().signal;
const formats = { haiku: haikuFormat, rpm: rpmFormat, deb: debFormat };
const compareVersions = { haiku: haikuFormat.compareVersions, rpm: rpmFormat.compareVersions, deb: debFormat.compareVersions };

/** Real repositories: the record on PostgreSQL, the engine, the formats, a directory for a store, without the workflow that takes the steps. One a spec file. */
export function livingRepositories() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-living-'));
  const record = specDatabase();
  const root = openDirectoryStore(path.join(directory, 'store'));
  const stores = { open: ({ folder }: { readonly folder: string }): ObjectStore => prefixedStore(root, folder) };
  let keys: SigningKeys;
  let maintenance: RepositoryMaintenance;

  function parts(locks: NamedLocks = createNamedLocks(record.url)) {
    const commands = createRepositoryCommands(record.database, { repositoryUrl: 'https://repositories.test', compareVersions });
    const reads = createRepositoryReads(record.database);
    const sources = { open: () => Promise.reject(new Error('these specs have no content elsewhere')) };
    const engine = createRepositoryEngine({ stores, commands, reads, formats, keys, sources, locks, workRoot: path.join(directory, 'work'), packageBytes: 50 * 1024 * 1024 });
    return { commands, reads, engine, formats, stores, locks };
  }

  function settings(composeAllowDestinations: readonly string[] = ['127.0.0.1']) {
    return { home: directory, packageBytes: 50 * 1024 * 1024, composeSourcePaths: [directory], composeAllowDestinations, forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined };
  }

  beforeAll(async () => {
    keys = await openSigningKeys({ home: directory, repositoryKeysFile: undefined }, {});
    maintenance = openRepositoryMaintenance({ ...parts(), settings: settings(), workRoot: path.join(directory, 'work'), version: '1.2.3' });
  });
  afterAll(async () => {
    await maintenance.close();
    await keys.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function create(name: string, kind: RepositoryKind, given: Partial<RepositorySettings> = {}, folder = name): Promise<Repository> {
    const own = { [kind]: kind === 'deb' ? { architectures: ['amd64'] } : {}, keys: kind === 'haiku' ? [] : ['default'], ...given };
    return parts().commands.create({ name, kind, place: { store: 'default', folder }, settings: parseRepositorySettings(kind, own) }, by);
  }

  /** What the workflow does, until nothing waits. */
  async function settle(name: string): Promise<Repository> {
    const { commands, reads, engine } = parts();
    for (const change of await reads.waiting(name, 1000)) await engine.inspect(change, { signal });
    for (;;) {
      const planned = await commands.plan(name, { changes: 100 });
      if (planned === undefined) return reads.get(name);
      await engine.place(planned, { signal });
      const index = await engine.prepareIndex(planned, { signal });
      await engine.switchIndex(planned, index, { signal });
      await commands.published(planned, index);
      await engine.tidy(name, { signal });
    }
  }

  async function change(name: string, request: ChangeRequest, { force = false } = {}): Promise<RepositoryChange> {
    const { commands, reads } = parts();
    const { id } = await commands.requestChange({ id: randomUUID(), repository: name, request, by, force });
    await settle(name);
    return reads.change(id);
  }

  async function publish(name: string, files: readonly Buffer[]): Promise<RepositoryChange> {
    const uploads: string[] = [];
    for (const [index, file] of files.entries()) uploads.push((await parts().engine.receive(name, chunks(file), { id: randomUUID(), fileName: `file-${index}`, by })).id);
    const component = (await parts().reads.get(name)).kind === 'deb' ? { component: 'main' } : {};
    return change(name, { kind: 'publish', uploads, contents: [], origin: {}, ...component });
  }

  const publishDebs = (name: string, debs: readonly DebOptions[]): Promise<RepositoryChange> => publish(name, debs.map(buildDeb));

  async function keysOf(name: string): Promise<string[]> {
    const listed: string[] = [];
    const { reads } = parts();
    for await (const { key } of reads.allPackages(name, (await reads.get(name)).state)) listed.push(key);
    return listed;
  }

  return {
    directory,
    parts,
    settings,
    create,
    settle,
    change,
    publish,
    publishDebs,
    keysOf,
    maintenance: () => maintenance,
    database: () => record.database,
    storeOf: (name: string): ObjectStore => stores.open({ folder: name }),
    /** Of an object in the store. */
    file: (name: string, key: string): string => path.join(directory, 'store', name, key),
  };
}

export async function* chunks(content: Buffer): AsyncGenerator<Buffer, void> {
  yield content;
}

export const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');
