import type { Database } from '../database/open-database.js';
import { inTransaction, query } from '../database/sql.js';
import { objectTypes } from '../ostree/object-name.js';
import type { OstreeRecord } from './ostree-record.js';

/** Commits and directories name others; what a commit's parent names lives by its own ref. */
const live = `recursive live(checksum, type) as (
  select distinct commit, 0::smallint from ostree_refs where instance = $1
  union select c.child, c.child_type from live l join ostree_children c on c.instance = $1 and c.parent = l.checksum and l.type in (0, 1)
)`;

export function createOstreeSweep(database: Database, now: () => Date): Pick<OstreeRecord, 'sweep' | 'forget' | 'usage'> {
  return {
    sweep: (instance, { grace, limit }) =>
      inTransaction(database, async ({ sql }) => {
        const time = now();
        await sql(
          `with ${live}, marked as (select o.checksum, o.type, l.checksum is not null as live from ostree_objects o left join live l on l.checksum = o.checksum and l.type = o.type where o.instance = $1)
           update ostree_objects o set unneeded_since = case when m.live then null else $2::timestamptz end from marked m
           where o.instance = $1 and o.checksum = m.checksum and o.type = m.type and (o.unneeded_since is null) <> m.live`,
          [instance, time.toISOString()],
        );
        // What is made again is made whole: below a directory that waits to be deleted, some may be gone already.
        await sql('delete from ostree_conversions v using ostree_objects o where v.instance = $1 and o.instance = $1 and o.checksum = v.checksum and o.unneeded_since is not null', [instance]);
        const due = await sql<{ checksum: string; type: number }>(
          `select encode(checksum, 'hex') as checksum, type from ostree_objects where instance = $1 and unneeded_since <= $2 limit $3`,
          [instance, new Date(time.getTime() - grace * 1000).toISOString(), limit],
        );
        return due.map(({ checksum, type }) => ({ checksum, type: objectTypes[type] ?? 'file' }));
      }),

    async forget(instance, objects) {
      await query(
        database,
        `with gone as (delete from ostree_objects o using unnest($2::bytea[], $3::smallint[]) as w(checksum, type) where o.instance = $1 and o.checksum = w.checksum and o.type = w.type returning o.checksum, o.type)
         delete from ostree_children c using gone g where c.instance = $1 and c.parent = g.checksum and g.type in (0, 1)`,
        [instance, objects.map(({ checksum }) => Buffer.from(checksum, 'hex')), objects.map(({ type }) => objectTypes.indexOf(type))],
      );
    },

    async usage(instance) {
      const [row] = await query<{ refs: string; objects: string; bytes: string; refused: string }>(
        database,
        `select (select count(*) from ostree_refs where instance = $1) as refs, count(*) as objects, coalesce(sum(bytes), 0)::bigint as bytes,
           (select count(*) from ostree_refusals where instance = $1) as refused from ostree_objects where instance = $1`,
        [instance],
      );
      return { refs: Number(row?.refs ?? 0), objects: Number(row?.objects ?? 0), bytes: Number(row?.bytes ?? 0), refused: Number(row?.refused ?? 0) };
    },
  };
}
