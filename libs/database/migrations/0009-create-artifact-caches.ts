import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "cache_blobs" ("id" bigserial primary key, "instance" text collate "C" not null, "hash" bytea not null, "function" smallint not null, "size" bigint not null, "present" boolean not null, "object" text null, "pushed_by" text null, "used_at" timestamptz not null, "ranked_at" timestamptz not null, "counted" int not null default 0, "expanded" smallint not null default 0)`,
  `alter table "cache_blobs" add constraint "cache_blobs_digest" unique ("instance", "hash", "function", "size")`,
  `create index "cache_blobs_uncounted" on "cache_blobs" ("instance", "ranked_at") where "counted" = 0`,
  // Use is written into the same page while there is room in it.
  `alter table "cache_blobs" set (fillfactor = 80)`,

  `create table "cache_blob_contents" ("blob_id" bigint not null, "content" bytea not null, primary key ("blob_id"))`,

  `create table "cache_blob_children" ("parent_id" bigint not null, "parent_shape" smallint not null, "child_id" bigint not null, "child_shape" smallint not null, primary key ("parent_id", "parent_shape", "child_id", "child_shape"))`,
  `create index "cache_blob_children_child" on "cache_blob_children" ("child_id")`,

  `create table "cache_objects" ("instance" text collate "C" not null, "key" text collate "C" not null, "due_at" timestamptz not null, "announced" boolean not null, primary key ("instance", "key"))`,
  `create index "cache_objects_due" on "cache_objects" ("instance", "due_at")`,

  `create table "cache_entries" ("id" bigserial primary key, "instance" text collate "C" not null, "kind" text collate "C" not null, "name_digest" bytea not null, "key" text not null, "key_start" text collate "C" not null, "qualifiers" text not null, "content_digest" bytea not null, "details" text not null, "value" bytea null, "value_bytes" int not null, "expires_at" timestamptz null, "pushed_at" timestamptz not null, "pushed_by" text not null, "used_at" timestamptz not null, "verified_until" timestamptz null, "serial" int not null default 0)`,
  `alter table "cache_entries" add constraint "cache_entries_name" unique ("instance", "kind", "name_digest")`,
  `create index "cache_entries_used" on "cache_entries" ("instance", "used_at", "id")`,
  `create index "cache_entries_key" on "cache_entries" ("instance", "kind", "key_start")`,
  `create index "cache_entries_expiry" on "cache_entries" ("instance", "expires_at") where "expires_at" is not null`,

  `create table "cache_entry_blobs" ("entry_id" bigint not null, "blob_id" bigint not null, "shape" smallint not null, primary key ("entry_id", "blob_id", "shape"))`,
  `create index "cache_entry_blobs_blob" on "cache_entry_blobs" ("blob_id")`,

  `create table "cache_entry_names" ("instance" text collate "C" not null, "kind" text collate "C" not null, "name_digest" bytea not null, "key" text not null, "key_start" text collate "C" not null, "qualifiers" text not null, "pushes" bigint not null, "pushed_at" timestamptz not null, "pushed_by" text not null, "session" text null, "build" text null, "removed_at" timestamptz null, "removed_by" text null, "reason" text null, primary key ("instance", "kind", "name_digest"))`,
  `create index "cache_entry_names_removed" on "cache_entry_names" ("removed_at") where "removed_at" is not null`,

  `create table "cache_takings" ("session" text collate "C" not null, "instance" text collate "C" not null, "kind" text collate "C" not null, "name_digest" bytea not null, "key" text not null, "qualifiers" text not null, "how" text not null, "at" timestamptz not null, "target" text null, primary key ("session", "instance", "kind", "name_digest"))`,

  `create table "cache_usage" ("instance" text collate "C" not null, "shard" smallint not null, "bytes" bigint not null, "blobs" bigint not null, "entries" bigint not null, primary key ("instance", "shard"))`,
];

export class CreateArtifactCaches extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
