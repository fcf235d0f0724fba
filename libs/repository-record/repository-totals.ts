import type { Sql } from '../database/sql.js';

/** Of one repository, for metrics. */
export interface RepositoryTotals {
  readonly repository: string;
  readonly state: number;
  readonly packages: number;
  readonly bytes: number;
  /** Changes that have not ended, and seconds since the oldest of them was asked for; 0: there is none. */
  readonly waiting: number;
  readonly oldestSeconds: number;
  /** Of the last change that was carried out: seconds from its request until clients saw it; 0: none yet. */
  readonly lastSeconds: number;
  /** The last change that ended has failed. */
  readonly lastFailed: boolean;
  /** Unix time of the state that clients see; 0: none yet. */
  readonly publishedAt: number;
  /** Uploads that are in the spool, and their bytes. */
  readonly uploads: number;
  readonly uploadBytes: number;
}

/** Whoever makes repositories by the thousand does not want a series of each. */
const mostRepositories = 1000;

interface Row {
  readonly name: string;
  readonly state: string;
  readonly packages: string;
  readonly bytes: string;
  readonly waiting: string;
  readonly oldest: string;
  readonly last: string;
  readonly failed: boolean;
  readonly published: string;
  readonly uploads: string;
  readonly upload_bytes: string;
}

/** By name. What is read of each are the rows that have not ended, and the last one that has. */
export async function readTotals(sql: Sql): Promise<readonly RepositoryTotals[]> {
  const rows = await sql<Row>(
    `select r.name, r.state, r.packages, r.bytes, w.waiting, w.oldest, coalesce(d.seconds, 0) as last, coalesce(e.failed, false) as failed, coalesce(s.published, 0) as published, u.uploads, u.upload_bytes
     from repositories r
       cross join lateral (select count(*) as waiting, coalesce(extract(epoch from now() - min(requested_at)), 0) as oldest from repository_changes where repository = r.name and ended_at is null) w
       left join lateral (select extract(epoch from ended_at - requested_at) as seconds from repository_changes where repository = r.name and phase = 'done' order by number desc limit 1) d on true
       left join lateral (select phase = 'failed' as failed from repository_changes where repository = r.name and ended_at is not null order by number desc limit 1) e on true
       left join lateral (select extract(epoch from at) as published from repository_states where repository = r.name and state = r.state) s on true
       cross join lateral (select count(*) as uploads, coalesce(sum(size), 0) as upload_bytes from repository_uploads where repository = r.name) u
     order by r.name limit ${mostRepositories}`,
    [],
  );
  return rows.map((row) => ({
    repository: row.name,
    state: Number(row.state),
    packages: Number(row.packages),
    bytes: Number(row.bytes),
    waiting: Number(row.waiting),
    oldestSeconds: Math.max(0, Number(row.oldest)),
    lastSeconds: Math.max(0, Number(row.last)),
    lastFailed: row.failed,
    publishedAt: Number(row.published),
    uploads: Number(row.uploads),
    uploadBytes: Number(row.upload_bytes),
  }));
}
