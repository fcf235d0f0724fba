import { Migration } from '@mikro-orm/migrations';

const packageColumns = `"repository" text not null, "key" text collate "C" not null, "sha256" text not null, "size" bigint not null, "path" text not null, "name" text not null, "version" text not null, "architecture" text not null, "component" text not null, "added_at" timestamptz not null, "origin" text not null, "published_by" text not null`;

const statements = [
  `create table "repositories" ("name" text collate "C" not null, "kind" text not null, "store" text not null, "folder" text not null, "settings" text not null, "state" bigint not null, "last_state" bigint not null, "packages" bigint not null, "bytes" bigint not null, "created_at" timestamptz not null, "created_by" text not null, "changed_at" timestamptz not null, "position" bigint not null, primary key ("name"))`,

  `create table "repository_states" ("repository" text not null, "state" bigint not null, "at" timestamptz not null, "kinds" text not null, "changed_by" text not null, "packages" bigint not null, "bytes" bigint not null, "added" bigint not null, "removed" bigint not null, "index_files" text not null, primary key ("repository", "state"))`,

  `create table "repository_listings" ("repository" text not null, "key" text collate "C" not null, "from_state" bigint not null, "until_state" bigint null, primary key ("repository", "key", "from_state"))`,
  `create index "repository_listings_from" on "repository_listings" ("repository", "from_state")`,
  `create index "repository_listings_until" on "repository_listings" ("repository", "until_state")`,

  `create table "repository_packages" (${packageColumns}, "object" text not null, "unlisted_at" timestamptz null, "moved_at" timestamptz null, primary key ("repository", "key"))`,
  `create index "repository_packages_version" on "repository_packages" ("repository", "name", "architecture")`,
  `create index "repository_packages_sha256" on "repository_packages" ("sha256", "repository")`,
  `create index "repository_packages_prunable" on "repository_packages" ("repository", "unlisted_at") where "object" = 'placed' and "unlisted_at" is not null`,
  `create index "repository_packages_expired" on "repository_packages" ("repository", "moved_at") where "object" = 'obsolete'`,

  `create table "package_metadata" ("kind" text not null, "sha256" text not null, "metadata" bytea not null, primary key ("kind", "sha256"))`,

  `create table "repository_uploads" ("id" uuid not null, "repository" text not null, "file_name" text not null, "sha256" text not null, "size" bigint not null, "uploaded_by" text not null, "uploaded_at" timestamptz not null, "key" text null, "name" text null, "version" text null, "architecture" text null, "path" text null, "component" text null, "leaving" boolean not null default false, primary key ("id"))`,
  `create index "repository_uploads_sha256" on "repository_uploads" ("repository", "sha256")`,
  `create index "repository_uploads_uploaded" on "repository_uploads" ("repository", "uploaded_at")`,

  `create table "repository_changes" ("id" uuid not null, "number" bigserial not null, "repository" text not null, "kind" text not null, "request" text not null, "forced" boolean not null, "requested_by" text not null, "requested_at" timestamptz not null, "phase" text not null, "state" bigint null, "outcome" text null, "problem" text null, "ended_at" timestamptz null, primary key ("id"))`,
  `create index "repository_changes_number" on "repository_changes" ("repository", "number")`,
  `create index "repository_changes_unsettled" on "repository_changes" ("repository", "number") where "ended_at" is null`,

  `create table "repository_change_sources" ("change_id" uuid not null, "place" int not null, "upload_id" uuid null, "sha256" text null, primary key ("change_id", "place"))`,
  `create index "repository_change_sources_upload" on "repository_change_sources" ("upload_id")`,
  `create index "repository_change_sources_sha256" on "repository_change_sources" ("sha256")`,

  `create table "repository_plans" ("repository" text not null, "state" bigint not null, "before_state" bigint not null, "at" timestamptz not null, "settings" text not null, "bytes" bigint not null, "switching" boolean not null default false, primary key ("repository"))`,
  `create table "repository_planned_packages" (${packageColumns}, "listed" boolean not null, "known" boolean not null, "upload_id" uuid null, primary key ("repository", "key"))`,

  `create index "artefacts_sha256" on "artefacts" ("sha256")`,
];

export class CreateRepositories extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
