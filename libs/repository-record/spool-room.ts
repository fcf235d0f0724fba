import type { Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { NewArrival } from './repository-record.js';
import { readRepository } from './repository-stream.js';

/** Bytes of uploads that are in the spool, or on their way there; undefined: as many as there is disk. */
export interface SpoolLimits {
  /** Of all repositories. */
  readonly bytes: number | undefined;
  /** Of one publisher. */
  readonly publisherBytes: number | undefined;
}

/** Advisory locks are numbers that all of Millrace shares. */
const roomLock = 5_207_311_914;
/** Milliseconds after which an upload that says nothing is of a process that was killed: stores may take long to put together what they were given. */
const silence = 30 * 60_000;

interface Room {
  /** Where the limit is set. */
  readonly setting: string;
  readonly limit: number;
  readonly left: number;
  readonly refusal: () => MillraceError;
}

/**
 * Keeps room for an arrival: `wanted` bytes in all, fewer where there are fewer, at least `least`. One at a time in the database, so that uploads beside each other never
 * take one byte too many. Errors: `payload-too-large` (more than there could ever be), `repository-full`, `spool-full`.
 */
export async function takeRoom(sql: Sql, { arrival, least, wanted, limits, now }: { readonly arrival: NewArrival; readonly least: number; readonly wanted: number; readonly limits: SpoolLimits; readonly now: string }): Promise<number> {
  const { id, repository, by, spooled } = arrival;
  const { settings } = await readRepository(sql, repository);
  await sql('select pg_advisory_xact_lock($1)', [roomLock]);
  await sql('delete from repository_arrivals where seen_at < $1', [new Date(Date.parse(now) - silence).toISOString()]);
  const rooms = [...(await roomOfRepository(sql, arrival, settings.maxBytes ?? undefined)), ...(spooled ? await roomOfSpool(sql, arrival, limits) : [])];
  const never = rooms.find(({ limit }) => limit < least);
  if (never !== undefined) throw neverRoom(never, least);
  const tightest = rooms.toSorted((one, other) => one.left - other.left)[0];
  if (tightest !== undefined && tightest.left < least) throw tightest.refusal();
  const bytes = Math.min(wanted, tightest?.left ?? wanted);
  await sql(
    `insert into repository_arrivals (id, repository, uploaded_by, spooled, bytes, seen_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do update set repository = excluded.repository, uploaded_by = excluded.uploaded_by, spooled = excluded.spooled, bytes = excluded.bytes, seen_at = excluded.seen_at`,
    [id, repository, by, spooled, bytes, now],
  );
  return bytes;
}

function neverRoom({ limit, setting }: Room, bytes: number): MillraceError {
  return new MillraceError('payload-too-large', `the package has at least ${bytes} bytes, and all uploads together may have ${limit}`, { suggestion: `${setting} is the limit.` });
}

/** Its package files, listed or not, as long as they are kept; and uploads, as far as they are not the bytes of one of them. */
async function roomOfRepository(sql: Sql, { id, repository }: NewArrival, limit: number | undefined): Promise<readonly Room[]> {
  if (limit === undefined) return [];
  const [row] = await sql<{ bytes: string }>(
    `select (select bytes from repositories where name = $1)
       + (select coalesce(sum(size), 0) from repository_packages where repository = $1 and object = 'placed' and unlisted_at is not null)
       + (select coalesce(sum(size), 0) from repository_packages where repository = $1 and object = 'obsolete')
       + (select coalesce(sum(size), 0) from repository_uploads u where repository = $1 and not exists (select 1 from repository_packages p where p.repository = $1 and p.sha256 = u.sha256 and p.object <> 'deleted'))
       + (select coalesce(sum(bytes), 0) from repository_arrivals where repository = $1 and id <> $2) as bytes`,
    [repository, id],
  );
  const left = limit - Number(row?.bytes ?? 0);
  return [
    {
      setting: `"maxBytes" of the settings of ${repository}`,
      limit,
      left,
      refusal: () =>
        new MillraceError('repository-full', `the repository ${repository} may have ${limit} bytes of packages and uploads, and has ${Math.max(0, left)} left`, {
          suggestion: 'Remove and prune packages that nobody needs, or have an admin raise "maxBytes" of its settings.',
        }),
    },
  ];
}

async function roomOfSpool(sql: Sql, { id, by }: NewArrival, { bytes, publisherBytes }: SpoolLimits): Promise<readonly Room[]> {
  if (bytes === undefined && publisherBytes === undefined) return [];
  const [row] = await sql<{ taken: string; own: string }>(
    `select coalesce(sum(bytes), 0) as taken, coalesce(sum(bytes) filter (where publisher = $2), 0) as own
     from (select size as bytes, uploaded_by as publisher from repository_uploads where spooled union all select bytes, uploaded_by from repository_arrivals where spooled and id <> $1) s`,
    [id, by],
  );
  const room = (limit: number, taken: string | undefined, whose: string, setting: string): Room => ({
    setting,
    limit,
    left: limit - Number(taken ?? 0),
    refusal: () =>
      new MillraceError('spool-full', `uploads ${whose} that are not published yet may have ${limit} bytes, and have ${taken ?? 0}`, {
        suggestion: `Publish what was uploaded, or delete it (DELETE …/uploads/ID); what no change takes is forgotten after a day. ${setting} is the limit.`,
      }),
  });
  return [
    ...(publisherBytes === undefined ? [] : [room(publisherBytes, row?.own, `of ${by}`, 'MILLRACE_SPOOL_PUBLISHER_BYTES')]),
    ...(bytes === undefined ? [] : [room(bytes, row?.taken, 'of all publishers', 'MILLRACE_SPOOL_BYTES')]),
  ];
}
