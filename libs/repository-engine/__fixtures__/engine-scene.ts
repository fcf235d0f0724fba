import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import { createNamedLocks } from '../../database/advisory-locks.js';
import { query } from '../../database/sql.js';
import { openDirectoryStore } from '../../object-storage/directory/open-directory-store.js';
import { createRepositoryCommands } from '../../repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../../repository-record/create-repository-reads.js';
import { parseRepositorySettings } from '../../repository/repository-settings.js';
import { specDatabase } from '../../testing/spec-database.js';
import { createRepositoryEngine } from '../create-repository-engine.js';
import { lineFormat, linePackage, keyOf } from './line-format.js';
import type { ObjectStore } from '../../object-storage/object-store.js';
import type { RepositoryCommands } from '../../repository-record/repository-record.js';
import type { ChangeRequest, PlannedState } from '../../repository/repository-change.js';
import type { RepositorySettings } from '../../repository/repository.js';
import type { RepositoryEngineOptions } from '../engine-options.js';
import type { EngineOptions, RepositoryEngine } from '../repository-engine.js';

export const options: EngineOptions = { signal: new AbortController().signal };
export const by = 'ann';

export async function* stream(content: Buffer): AsyncIterable<Buffer> {
  yield content;
}

/** Repositories with the real record on a real directory, each in a folder of its own. */
export function engineScene() {
  const spec = specDatabase();
  const root = mkdtempSync(path.join(tmpdir(), 'millrace-engine-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let number = 0;
  const compareVersions = { haiku: lineFormat.compareVersions, rpm: lineFormat.compareVersions, deb: lineFormat.compareVersions };
  const commandsAt = (now?: () => Date): RepositoryCommands => createRepositoryCommands(spec.database, { repositoryUrl: 'http://repositories.test', compareVersions, ...(now === undefined ? {} : { now }) });
  const commands = (): RepositoryCommands => commandsAt();
  const reads = () => createRepositoryReads(spec.database);
  const folderOf = (name: string): string => path.join(root, 'places', name);
  const placeOf = (name: string): ObjectStore => openDirectoryStore(folderOf(name));

  /** Another process: it shares nothing with the others but the record and the place. */
  function engine(store: (folder: string) => ObjectStore = placeOf, changes: Partial<RepositoryEngineOptions> = {}): RepositoryEngine {
    return createRepositoryEngine({
      stores: { open: ({ folder }) => store(folder) },
      commands: commands(),
      reads: reads(),
      formats: { haiku: lineFormat, rpm: lineFormat, deb: lineFormat },
      keys: { list: () => Promise.resolve([]), detached: () => Promise.resolve(''), cleartext: () => Promise.resolve(''), minisign: () => Promise.resolve(''), close: () => Promise.resolve() },
      sources: { open: ({ sha256 }) => Promise.reject(new Error(`nobody has ${sha256}`)) },
      locks: createNamedLocks(spec.url, { longestSilence: 2000 }),
      workRoot: path.join(root, 'work'),
      packageBytes: 1024 * 1024,
      ...changes,
    });
  }

  async function repository(settings: Partial<RepositorySettings> = {}): Promise<string> {
    const name = `r${(number += 1)}`;
    await commands().create({ name, kind: 'rpm', place: { store: 'default', folder: name }, settings: parseRepositorySettings('rpm', { guard: { packages: 1000, share: 1 }, ...settings }) }, by);
    return name;
  }

  async function upload(name: string, package_: { readonly name: string; readonly version: string; readonly payload?: string }, of = engine()): Promise<string> {
    const id = randomUUID();
    await of.receive(name, stream(linePackage(package_.name, package_.version, package_.payload)), { id, fileName: keyOf(package_.name, package_.version), by });
    return id;
  }

  const request = (name: string, change: ChangeRequest, { force = false } = {}) => commands().requestChange({ id: randomUUID(), repository: name, request: change, by, force });

  /** A change that publishes these, in the record. */
  async function publishing(name: string, ...packages: readonly (readonly [name: string, version: string, payload?: string])[]): Promise<string> {
    const uploads: string[] = [];
    for (const [of, version, payload] of packages) uploads.push(await upload(name, { name: of, version, ...(payload === undefined ? {} : { payload }) }));
    return (await request(name, { kind: 'publish', uploads, contents: [], origin: {} })).id;
  }

  /** All steps from what waits to what clients see, as the workflow takes them. */
  async function carryOut(name: string, of = engine()): Promise<PlannedState | undefined> {
    for (const change of await reads().waiting(name, 100)) await of.inspect(change, options);
    const planned = await commands().plan(name, { changes: 100 });
    if (planned === undefined) return undefined;
    await of.place(planned, options);
    const index = await of.prepareIndex(planned, options);
    await of.switchIndex(planned, index, options);
    await commands().published(planned, index);
    await of.tidy(name, options);
    return planned;
  }

  async function publish(name: string, ...packages: readonly (readonly [name: string, version: string, payload?: string])[]): Promise<PlannedState | undefined> {
    await publishing(name, ...packages);
    return carryOut(name);
  }

  /** As PostgreSQL does with a process that says nothing for too long. */
  const cutLocks = (): Promise<unknown> => query(spec.database, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'millrace-lock'`);

  return { cutLocks, spec, root, commands, commandsAt, reads, engine, repository, upload, request, publishing, carryOut, publish, folderOf, placeOf };
}
