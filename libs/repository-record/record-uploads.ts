import { inTransaction, query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import { checkUuid } from '../repository/change-request.js';
import type { RepositoryKind } from '../repository/repository.js';
import { checkRequester, checkText } from './check-texts.js';
import { idempotencyConflict, uploadNotFound } from './record-problems.js';
import type { DescribedPackage, NewUpload, RepositoryCommands, Upload } from './repository-record.js';
import type { RecordOptions } from './record-options.js';
import { takeRoom } from './spool-room.js';
import { toUpload, uploadColumns, type SelectedUpload } from './repository-rows.js';
import { keepRepository } from './repository-stream.js';

type UploadCommands = Pick<RepositoryCommands, 'takeRoom' | 'leaveRoom' | 'addUpload' | 'describeUpload' | 'staleUploads' | 'discardUpload' | 'forgetUploads' | 'rememberMetadata'>;

const staleBatch = 1000;
/** Documents of one statement. */
const metadataBatch = 500;

export function createUploadCommands(database: Database, { now, spool }: Pick<RecordOptions, 'now' | 'spool'>): UploadCommands {
  return {
    takeRoom: (arrival, { least, wanted }) => inTransaction(database, ({ sql }) => takeRoom(sql, { arrival, least, wanted, limits: spool, now: now() })),
    leaveRoom: async (id) => void (await query(database, 'delete from repository_arrivals where id = $1', [id])),

    async addUpload(upload, room) {
      checkUpload(upload);
      return inTransaction(database, async ({ sql }) => {
        const { id, repository, fileName, sha256, size, by, spooled = true } = upload;
        await keepRepository(sql, repository);
        await sql('insert into repository_uploads (id, repository, file_name, sha256, size, uploaded_by, uploaded_at, spooled) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing', [id, repository, fileName, sha256, size, by, now(), spooled]);
        if (room !== undefined) await sql('delete from repository_arrivals where id = $1', [room]);
        const there = await readUpload(sql, id);
        if (there === undefined || there.repository !== repository || there.sha256 !== sha256 || there.size !== size) throw idempotencyConflict('upload', id);
        return there;
      });
    },

    async describeUpload(id, described) {
      checkUuid(id, 'an upload');
      checkDescription(described);
      await inTransaction(database, async ({ sql }) => {
        const [upload] = await sql<{ kind: RepositoryKind; sha256: string }>('select r.kind, u.sha256 from repository_uploads u join repositories r on r.name = u.repository where u.id = $1', [id]);
        if (upload === undefined) throw uploadNotFound([id]);
        await rememberMetadata(sql, upload.kind, [[upload.sha256, described.metadata]]);
        const { key, name, version, architecture, path, component } = described;
        await sql('update repository_uploads set key = $2, name = $3, version = $4, architecture = $5, path = $6, component = $7 where id = $1', [id, key, name, version, architecture, path, component]);
      });
    },

    staleUploads: (repository, idleSeconds) => inTransaction(database, ({ sql }) => claimStale(sql, { repository, idleSince: new Date(Date.parse(now()) - idleSeconds * 1000).toISOString() })),

    discardUpload: (repository, id) => inTransaction(database, ({ sql }) => discard(sql, repository, id)),

    async forgetUploads(ids) {
      await inTransaction(database, async ({ sql }) => {
        const gone = await sql<{ id: string }>('delete from repository_uploads where id = any($1::uuid[]) and leaving returning id', [ids]);
        // Nothing asks any more which change they were of.
        await sql('delete from repository_change_sources where upload_id = any($1::uuid[])', [gone.map(({ id }) => id)]);
      });
    },

    async rememberMetadata(kind, entries) {
      const all = [...entries];
      for (let from = 0; from < all.length; from += metadataBatch) {
        const some = all.slice(from, from + metadataBatch);
        await rememberMetadata((text, parameters) => query(database, text, parameters), kind, some);
      }
    },
  };
}

export async function readUpload(sql: Sql, id: string): Promise<Upload | undefined> {
  const [row] = await sql<SelectedUpload>(`select ${uploadColumns} from repository_uploads where id = $1`, [id]);
  return row === undefined ? undefined : toUpload(row);
}

/** What is known stays: the same bytes say the same. */
async function rememberMetadata(sql: Sql, kind: RepositoryKind, entries: readonly (readonly [string, Buffer])[]): Promise<void> {
  // In their order: of two that remember the same, none waits for the other.
  const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
  const statement = 'insert into package_metadata (kind, sha256, metadata) select $1, sha256, metadata from unnest($2::text[], $3::bytea[]) as m(sha256, metadata) on conflict do nothing';
  await sql(statement, [kind, sorted.map(([sha256]) => sha256), sorted.map(([, metadata]) => metadata)]);
}

interface Idleness {
  readonly repository: string;
  /** RFC 3339. */
  readonly idleSince: string;
}

/** A change has it by its id or by its digest. */
const changesOf = `repository_change_sources s join repository_changes c on c.id = s.change_id and c.repository = u.repository where (s.upload_id = u.id or s.sha256 = u.sha256)`;
const isStale = `not exists (select 1 from ${changesOf} and c.ended_at is null)
  and (exists (select 1 from ${changesOf} and c.phase = 'done' and c.ended_at >= u.uploaded_at) or (u.uploaded_at < $2 and not exists (select 1 from ${changesOf} and c.ended_at >= $2)))`;

/** Locked first, judged in a statement of its own then: a change that was requested in between is seen, and one that is requested later finds them leaving. */
async function claimStale(sql: Sql, { repository, idleSince }: Idleness): Promise<readonly Upload[]> {
  const candidates = await sql<{ id: string }>(`select u.id from repository_uploads u where u.repository = $1 and (u.leaving or (${isStale})) order by u.uploaded_at, u.id limit ${staleBatch} for update skip locked`, [repository, idleSince]);
  const ids = candidates.map(({ id }) => id);
  if (ids.length === 0) return [];
  const rows = await sql<SelectedUpload>(`update repository_uploads u set leaving = true where u.id = any($1::uuid[]) and (u.leaving or (${isStale})) returning ${uploadColumns}`, [ids, idleSince]);
  return rows.map(toUpload);
}

/** Locked first, as `claimStale` does. */
async function discard(sql: Sql, repository: string, id: string): Promise<void> {
  checkUuid(id, 'an upload');
  const there = await sql('select 1 as held from repository_uploads where id = $1 and repository = $2 for update', [id, repository]);
  if (there.length === 0) throw uploadNotFound([id]);
  const left = await sql(`update repository_uploads u set leaving = true where u.id = $1 and not exists (select 1 from ${changesOf} and c.ended_at is null) returning 1 as leaving`, [id]);
  if (left.length === 0) throw new MillraceError('resources-in-use', `the upload ${id} is of a change that goes on`, { suggestion: 'Wait until the change has ended; what it has published is taken out by removing the package.' });
}

function checkUpload({ id, repository, fileName, sha256, size, by }: NewUpload): void {
  checkUuid(id, 'an upload');
  checkRequester(by);
  checkText(fileName, 'the name of the file', { code: 'invalid-request', bytes: 1000 });
  checkText(repository, 'the name of the repository', { code: 'invalid-request', bytes: 500 });
  if (!/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(size) || size < 0) throw new MillraceError('invalid-request', 'an upload needs its SHA-256 digest in lower-case hex and its size in bytes');
}

/** Whatever says so is a file that somebody has uploaded. */
function checkDescription({ key, name, version, architecture, path, component }: DescribedPackage): void {
  for (const [what, text] of Object.entries({ key, name, version, architecture, component })) checkText(text, `the ${what} of the package`, { code: 'package-invalid', bytes: 500 });
  checkText(path, 'the path of the package', { code: 'package-invalid', bytes: 1000 });
  if (key === '' || path === '') throw new MillraceError('package-invalid', 'the package has no name');
}
