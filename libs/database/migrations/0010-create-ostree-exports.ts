import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "ostree_objects" ("instance" text collate "C" not null, "checksum" bytea not null, "type" smallint not null, "bytes" bigint not null, "unneeded_since" timestamptz null, primary key ("instance", "checksum", "type"))`,
  `create index "ostree_objects_unneeded" on "ostree_objects" ("instance", "unneeded_since") where "unneeded_since" is not null`,

  `create table "ostree_children" ("instance" text collate "C" not null, "parent" bytea not null, "child" bytea not null, "child_type" smallint not null, primary key ("instance", "parent", "child", "child_type"))`,

  `create table "ostree_conversions" ("instance" text collate "C" not null, "hash" bytea not null, "function" smallint not null, "form" smallint not null, "checksum" bytea not null, primary key ("instance", "hash", "function", "form"))`,
  `create index "ostree_conversions_checksum" on "ostree_conversions" ("instance", "checksum")`,

  `create table "ostree_refs" ("instance" text collate "C" not null, "name" text collate "C" not null, "commit" bytea not null, "commit_bytes" bigint not null, "committed_at" bigint not null, "entry_kind" text collate "C" not null, "entry_name" bytea not null, "entry_content" bytea not null, primary key ("instance", "name"))`,
  `create index "ostree_refs_entry" on "ostree_refs" ("instance", "entry_kind", "entry_name")`,

  `create table "ostree_refusals" ("instance" text collate "C" not null, "entry_kind" text collate "C" not null, "entry_name" bytea not null, "entry_content" bytea not null, "problem" text not null, "again_at" timestamptz not null, primary key ("instance", "entry_kind", "entry_name"))`,

  `create table "ostree_summaries" ("instance" text collate "C" not null, "changes" bigint not null, "published" bigint not null, primary key ("instance"))`,
];

export class CreateOstreeExports extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
