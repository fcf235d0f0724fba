import { createHash } from 'node:crypto';
import type { EntryKind } from '../cache/cache-entry.js';
import type { Database } from '../database/open-database.js';
import { inTransaction, query, type Sql } from '../database/sql.js';
import { MillraceError } from '../errors/millrace-error.js';
import { objectTypes, type ObjectName } from '../ostree/object-name.js';
import type { SummaryRef } from '../ostree/summary.js';
import type { BlobForm, ConvertedBlob, KeptObject, OstreeRecord, PendingEntry } from './ostree-record.js';
import { createOstreeSweep } from './sweep-objects.js';

/** What is exported: artifacts of BuildStream, as its generations name them. */
const exported = `((kind = 'directory' and starts_with(key_start, 'urn:fdc:buildstream.build:2020:v1:')) or (kind = 'blob' and starts_with(key_start, 'urn:fdc:buildstream.build:2020:artifact:'))) and qualifiers = '{}'`;
const forms: Readonly<Record<BlobForm, number>> = { file: 0, executable: 1, directory: 2 };
const functions = { sha256: 1, blake3: 2 } as const;
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
export const typeNumber = ({ type }: ObjectName): number => objectTypes.indexOf(type);

interface EntryRow {
  readonly kind: EntryKind;
  readonly key: string;
  readonly name_digest: Buffer;
  readonly content_digest: Buffer;
}

const toPending = ({ kind, key, name_digest: entryName, content_digest: entryContent }: EntryRow): PendingEntry => ({ kind, key, entryName, entryContent });

/** On PostgreSQL; see `ostree-record.ts` for what it promises. */
export function createOstreeRecord(database: Database, { now = () => new Date() }: { readonly now?: () => Date } = {}): OstreeRecord {
  const sql: Sql = (text, parameters) => query(database, text, parameters);
  return {
    async pending(instance, limit) {
      const rows = await sql<EntryRow>(
        `select kind, key, name_digest, content_digest from cache_entries e where instance = $1 and ${exported} and (expires_at is null or expires_at > $2)
           and not exists (select 1 from ostree_refs r where r.instance = $1 and r.entry_kind = e.kind and r.entry_name = e.name_digest and r.entry_content = e.content_digest)
           and not exists (select 1 from ostree_refusals f where f.instance = $1 and f.entry_kind = e.kind and f.entry_name = e.name_digest and f.entry_content = e.content_digest and f.again_at > $2)
         order by pushed_at, id limit $3`,
        [instance, now().toISOString(), limit],
      );
      return rows.map(toPending);
    },

    async orphans(instance, limit) {
      const rows = await sql<{ name: string }>(
        `select name from ostree_refs r where instance = $1 and not exists (select 1 from cache_entries e where e.instance = $1 and e.kind = r.entry_kind and e.name_digest = r.entry_name) order by name limit $2`,
        [instance, limit],
      );
      return rows.map(({ name }) => name);
    },

    ...createObjects(database, sql),
    ...createRefs(database, { sql, now }),
    ...createOstreeSweep(database, now),
  };
}

function createObjects(database: Database, sql: Sql): Pick<OstreeRecord, 'conversions' | 'keep' | 'has' | 'missingBelow'> {
  return {
    async conversions(instance, blobs) {
      const rows = await sql<{ place: string; checksum: string }>(
        `select w.place, encode(c.checksum, 'hex') as checksum from unnest($2::bytea[], $3::smallint[], $4::smallint[]) with ordinality as w(hash, function, form, place)
         join ostree_conversions c on c.instance = $1 and c.hash = w.hash and c.function = w.function and c.form = w.form`,
        [instance, blobs.map(({ digest }) => bytesOf(digest.hash)), blobs.map(({ digest }) => functions[digest.function]), blobs.map(({ form }) => forms[form])],
      );
      const found = new Map(rows.map(({ place, checksum }) => [Number(place) - 1, checksum]));
      return blobs.map((_, index) => found.get(index));
    },

    keep: (instance, objects) => inTransaction(database, ({ sql: inside }) => keepObjects(inside, instance, objects)),

    async has(instance, objects) {
      const rows = await sql<{ place: string }>(
        `select w.place from unnest($2::bytea[], $3::smallint[]) with ordinality as w(checksum, type, place) join ostree_objects o on o.instance = $1 and o.checksum = w.checksum and o.type = w.type and o.unneeded_since is null`,
        [instance, objects.map(({ checksum }) => bytesOf(checksum)), objects.map(typeNumber)],
      );
      const found = new Set(rows.map(({ place }) => Number(place) - 1));
      return objects.map((_, index) => found.has(index));
    },

    async missingBelow(instance, commit) {
      const rows = await sql<{ checksum: string; type: number }>(
        `with recursive below(checksum, type) as (
           select $2::bytea, 0::smallint union select c.child, c.child_type from below b join ostree_children c on c.instance = $1 and c.parent = b.checksum and b.type in (0, 1)
         )
         select encode(b.checksum, 'hex') as checksum, b.type from below b where not exists (select 1 from ostree_objects o where o.instance = $1 and o.checksum = b.checksum and o.type = b.type and o.unneeded_since is null) limit 10`,
        [instance, bytesOf(commit)],
      );
      return rows.map(({ checksum, type }) => ({ checksum, type: objectTypes[type] ?? 'file' }));
    },
  };
}

async function keepObjects(sql: Sql, instance: string, objects: readonly KeptObject[]): Promise<void> {
  if (objects.length === 0) return;
  await sql(
    `insert into ostree_objects (instance, checksum, type, bytes) select distinct on (checksum, type) $1, checksum, type, bytes from unnest($2::bytea[], $3::smallint[], $4::bigint[]) as w(checksum, type, bytes)
     on conflict (instance, checksum, type) do update set unneeded_since = null, bytes = excluded.bytes`,
    [instance, objects.map(({ checksum }) => bytesOf(checksum)), objects.map(typeNumber), objects.map(({ bytes }) => bytes)],
  );
  const edges = objects.flatMap((object) => object.children.map((child) => ({ parent: object.checksum, child })));
  await sql(
    `insert into ostree_children (instance, parent, child, child_type) select distinct $1::text, parent, child, type from unnest($2::bytea[], $3::bytea[], $4::smallint[]) as w(parent, child, type) on conflict do nothing`,
    [instance, edges.map(({ parent }) => bytesOf(parent)), edges.map(({ child }) => bytesOf(child.checksum)), edges.map(({ child }) => typeNumber(child))],
  );
  const converted = objects.flatMap(({ checksum, from }) => (from === undefined ? [] : [{ checksum, from }]));
  await sql(
    `insert into ostree_conversions (instance, hash, function, form, checksum) select distinct on (hash, function, form) $1, hash, function, form, checksum
     from unnest($2::bytea[], $3::smallint[], $4::smallint[], $5::bytea[]) as w(hash, function, form, checksum) on conflict (instance, hash, function, form) do update set checksum = excluded.checksum`,
    [instance, ...conversionColumns(converted.map(({ from }) => from)), converted.map(({ checksum }) => bytesOf(checksum))],
  );
}

function conversionColumns(blobs: readonly ConvertedBlob[]): readonly [Buffer[], number[], number[]] {
  return [blobs.map(({ digest }) => bytesOf(digest.hash)), blobs.map(({ digest }) => functions[digest.function]), blobs.map(({ form }) => forms[form])];
}

interface RefRow {
  readonly name: string;
  readonly commit: string;
  readonly commit_bytes: string;
  readonly committed_at: string;
}

const refColumns = `name, encode(commit, 'hex') as commit, commit_bytes, committed_at`;
const toRef = ({ name, commit, commit_bytes: size, committed_at: timestamp }: RefRow): SummaryRef => ({ name, commit, size: BigInt(size), timestamp: BigInt(timestamp) });

function createRefs(database: Database, { sql, now }: { readonly sql: Sql; readonly now: () => Date }): Pick<OstreeRecord, 'refs' | 'ref' | 'isTaken' | 'setRef' | 'entryOf' | 'dropRefs' | 'refuse' | 'dueSummary' | 'published'> {
  return {
    refs: async (instance) => (await sql<RefRow>(`select ${refColumns} from ostree_refs where instance = $1 order by name`, [instance])).map(toRef),
    ref: async (instance, name) => (await sql<RefRow>(`select ${refColumns} from ostree_refs where instance = $1 and name = $2`, [instance, name])).map(toRef)[0],

    async isTaken(instance, name, { kind, entryName }) {
      const rows = await sql(
        `select 1 from ostree_refs r join cache_entries e on e.instance = $1 and e.kind = r.entry_kind and e.name_digest = r.entry_name
         where r.instance = $1 and r.name = $2 and not (r.entry_kind = $3 and r.entry_name = $4)`,
        [instance, name, kind, entryName],
      );
      return rows.length > 0;
    },

    setRef: (instance, { name, commit, size, timestamp }, { kind, entryName, entryContent }) =>
      inTransaction(database, async ({ sql: inside }) => {
        await inside(
          `insert into ostree_refs (instance, name, commit, commit_bytes, committed_at, entry_kind, entry_name, entry_content) values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict (instance, name) do update set commit = excluded.commit, commit_bytes = excluded.commit_bytes, committed_at = excluded.committed_at,
             entry_kind = excluded.entry_kind, entry_name = excluded.entry_name, entry_content = excluded.entry_content`,
          [instance, name, bytesOf(commit), size.toString(), timestamp.toString(), kind, entryName, entryContent],
        );
        await inside('delete from ostree_refusals where instance = $1 and entry_kind = $2 and entry_name = $3', [instance, kind, entryName]);
        await countChange(inside, instance);
      }),

    async entryOf(instance, kind, key) {
      const name = createHash('sha256').update(JSON.stringify([key, '{}'])).digest();
      const [row] = await sql<EntryRow>('select kind, key, name_digest, content_digest from cache_entries where instance = $1 and kind = $2 and name_digest = $3', [instance, kind, name]);
      if (row === undefined) throw new MillraceError('entry-not-found', `the cache ${instance} has no entry ${key}`);
      return toPending(row);
    },

    dropRefs: (instance, names) =>
      inTransaction(database, async ({ sql: inside }) => {
        const gone = await inside('delete from ostree_refs where instance = $1 and name = any($2::text[]) returning name', [instance, names]);
        if (gone.length > 0) await countChange(inside, instance);
      }),

    async refuse(instance, { kind, entryName, entryContent }, problem, seconds) {
      await sql(
        `insert into ostree_refusals (instance, entry_kind, entry_name, entry_content, problem, again_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (instance, entry_kind, entry_name) do update set entry_content = excluded.entry_content, problem = excluded.problem, again_at = excluded.again_at`,
        [instance, kind, entryName, entryContent, problem.slice(0, 1000), new Date(now().getTime() + seconds * 1000).toISOString()],
      );
    },

    async dueSummary(instance) {
      const [row] = await sql<{ changes: string }>('select changes from ostree_summaries where instance = $1 and changes > published', [instance]);
      return row === undefined ? undefined : Number(row.changes);
    },

    async published(instance, change) {
      await sql('update ostree_summaries set published = greatest(published, $2) where instance = $1', [instance, change]);
    },
  };
}

async function countChange(sql: Sql, instance: string): Promise<void> {
  await sql('insert into ostree_summaries as s (instance, changes, published) values ($1, 1, 0) on conflict (instance) do update set changes = s.changes + 1', [instance]);
}
