import { createHash, randomUUID } from 'node:crypto';
import { query } from '../../database/sql.js';
import type { Database } from '../../database/open-database.js';
import type { ChangeOutcome, ChangeRequest, IndexFile, PlannedState, RepositoryChange } from '../../repository/repository-change.js';
import { parseRepositorySettings } from '../../repository/repository-settings.js';
import { repositoryStreamId, type Repository, type RepositorySettings } from '../../repository/repository.js';
import { specDatabase } from '../../testing/spec-database.js';
import { createRepositoryCommands } from '../create-repository-commands.js';
import { createRepositoryReads } from '../create-repository-reads.js';
import type { RepositoryCommands, RepositoryReads, Upload } from '../repository-record.js';

export const repositoryUrl = 'https://repositories.test';
export const by = 'ann';

/** Numbers between dots; enough for what is compared here. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index += 1) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');
export const indexOf = (state: number): IndexFile[] => [{ path: `repodata/${state}.xml`, sha256: digestOf(`index ${state}`), size: state }];

export interface SpecPackage {
  readonly name: string;
  readonly version: string;
  /** Other bytes under the same key. */
  readonly build?: string;
}

export const keyOf = ({ name, version }: SpecPackage): string => `${name}-${version}.rpm`;

export function createLives(database: () => Database, now: () => Date) {
  const commands = (on = database()): RepositoryCommands => createRepositoryCommands(on, { repositoryUrl, compareVersions: { haiku: compareVersions, rpm: compareVersions, deb: compareVersions }, now });
  const reads = (on = database()): RepositoryReads => createRepositoryReads(on, { pageSize: 20 });
  let number = 0;

  async function repository(settings: Partial<RepositorySettings> = {}): Promise<string> {
    const name = `r${(number += 1)}`;
    await commands().create({ name, kind: 'rpm', place: { store: 'default', folder: name }, settings: parseRepositorySettings('rpm', { guard: { packages: 1000, share: 1 }, ...settings }) }, by);
    return name;
  }

  async function uploaded(name: string, one: SpecPackage, id = randomUUID()): Promise<Upload> {
    const content = `${keyOf(one)} ${one.build ?? ''}`;
    return commands().addUpload({ id, repository: name, fileName: keyOf(one), sha256: digestOf(content), size: content.length, by });
  }

  /** As the engine does: taken in, and inspected. */
  async function upload(name: string, one: SpecPackage): Promise<string> {
    const { id } = await uploaded(name, one);
    await describe(id, one);
    return id;
  }

  const describe = (id: string, one: SpecPackage): Promise<void> =>
    commands().describeUpload(id, { key: keyOf(one), name: one.name, version: one.version, architecture: 'noarch', path: `packages/${keyOf(one)}`, component: '', metadata: Buffer.from(`metadata of ${keyOf(one)}`) });

  const request = (repository: string, request: ChangeRequest, { force = false, id = randomUUID() }: { force?: boolean; id?: string } = {}): Promise<RepositoryChange> => commands().requestChange({ id, repository, request, by, force });

  async function publishing(name: string, packages: readonly SpecPackage[], options: { force?: boolean; id?: string } = {}): Promise<RepositoryChange> {
    const uploads = await Promise.all(packages.map((one) => upload(name, one)));
    return request(name, { kind: 'publish', uploads, contents: [], origin: { build: 'b1' } }, options);
  }

  async function plan(name: string): Promise<PlannedState> {
    const planned = await commands().plan(name, { changes: 100 });
    if (planned === undefined) throw new Error(`nothing of ${name} is planned`);
    return planned;
  }

  /** Everything that waits is published. */
  async function settle(name: string): Promise<Repository> {
    for (;;) {
      const planned = await commands().plan(name, { changes: 100 });
      if (planned === undefined) return reads().get(name);
      await commands().published(planned, indexOf(planned.state));
    }
  }

  async function outcome(change: RepositoryChange): Promise<ChangeOutcome | null> {
    await settle(change.repository);
    return (await reads().change(change.id)).outcome;
  }

  const publish = async (name: string, packages: readonly SpecPackage[], options: { force?: boolean } = {}): Promise<ChangeOutcome | null> => outcome(await publishing(name, packages, options));
  const remove = async (name: string, packages: readonly SpecPackage[], options: { force?: boolean } = {}): Promise<ChangeOutcome | null> => outcome(await request(name, { kind: 'remove', keys: packages.map(keyOf) }, options));
  const keys = async (name: string, state?: number): Promise<string[]> => (await reads().packages(name, { limit: 1000, ...(state === undefined ? {} : { state }) })).map(({ key }) => key);

  async function messages(name: string): Promise<Record<string, unknown>[]> {
    const rows = await query<{ body: string }>(database(), 'select body from outbound_messages where stream_id = $1 order by id', [repositoryStreamId(name)]);
    return rows.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  async function eventTypes(name: string): Promise<string[]> {
    const rows = await query<{ type: string }>(database(), 'select type from events where stream_id = $1 order by position', [repositoryStreamId(name)]);
    return rows.map(({ type }) => type);
  }

  return { commands, reads, repository, uploaded, upload, describe, request, publishing, plan, settle, outcome, publish, remove, keys, messages, eventTypes };
}

/** A record of its own for a spec file, with a clock that only the spec moves. */
export function recordedRepositories() {
  const record = specDatabase();
  let clock = Date.parse('2020-01-02T03:04:05.678Z');
  const now = (): Date => new Date(clock);
  const later = (seconds: number): void => void (clock += seconds * 1000);
  const at = (seconds = 0): string => new Date(clock + seconds * 1000).toISOString();
  return { database: () => record.database, url: () => record.url, now, later, at, ...createLives(() => record.database, now) };
}
