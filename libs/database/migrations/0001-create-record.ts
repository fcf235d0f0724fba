import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "streams" ("id" text not null, "version" bigint not null default '0', "last_digest" text not null, "sealed" boolean not null default false, primary key ("id"))`,

  `create table "events" ("global_position" bigserial primary key, "stream_id" text not null, "position" bigint not null, "event_id" uuid not null, "type" text not null, "data" text not null, "recorded_at" timestamptz not null default now(), "previous_digest" text not null, "digest" text not null, "transaction_id" xid8 not null default pg_current_xact_id())`,
  `alter table "events" add constraint "events_stream_position" unique ("stream_id", "position")`,
  `alter table "events" add constraint "events_stream_event" unique ("stream_id", "event_id")`,

  `create table "sessions" ("id" text not null, "state" text not null, "policy" text not null, "owner" text not null, "retain" boolean not null, "opened_at" timestamptz not null, "expires_at" timestamptz not null, "timeout_seconds" int not null, "revoked_at" timestamptz null, "ended_at" timestamptz null, "token_digest" text not null, "inspectors_configuration" text not null, "position" bigint not null, "downloads" bigint not null default '0', "refused" bigint not null default '0', "failed" bigint not null default '0', "bytes" bigint not null default '0', "violations" bigint not null default '0', primary key ("id"))`,
  `create index "sessions_opened" on "sessions" ("opened_at", "id")`,
  `create index "sessions_state" on "sessions" ("state", "opened_at")`,

  `create table "artefacts" ("session_id" text not null, "sha256" text not null, "sha1" text not null, "size" bigint not null, "first_position" bigint not null, "last_position" bigint not null, "downloads" bigint not null, "type" text not null, "name" text not null, "version" text not null, "purl" text null, "verdict" text not null, "kept" boolean not null, primary key ("session_id", "sha256"))`,

  `create table "downloads" ("session_id" text not null, "position" bigint not null, "event_type" text not null, "exchange_id" uuid not null, "started_at" timestamptz not null, "ended_at" timestamptz not null, "method" text not null, "url" text not null, "status" int null, "content_type" text null, "sha256" text null, "size" bigint null, "verdict" text null, "delivered" boolean not null, "cause" text null, "reason" text null, primary key ("session_id", "position"))`,

  `create table "session_secrets" ("session_id" text not null, "sealed" bytea not null, primary key ("session_id"))`,

  `create table "session_knowledge" ("session_id" text not null, "key_digest" text not null, "digest" text not null, "value" bytea not null, primary key ("session_id", "key_digest"))`,

  `create table "proxy_processes" ("id" uuid not null, "name" text not null, "started_at" timestamptz not null default now(), "lease_until" timestamptz not null, primary key ("id"))`,

  `create table "revocations" ("session_id" text not null, "requested_at" timestamptz not null default now(), primary key ("session_id"))`,

  `create table "revocation_acks" ("session_id" text not null, "process_id" uuid not null, "acknowledged_at" timestamptz not null default now(), primary key ("session_id", "process_id"))`,

  `create table "outbox" ("id" bigserial primary key, "session_id" text not null, "kind" text not null, "payload" text not null, "created_at" timestamptz not null default now(), "due_at" timestamptz not null default now(), "attempts" int not null default 0)`,
  `create index "outbox_due" on "outbox" ("due_at")`,
  `alter table "outbox" add constraint "outbox_session_kind" unique ("session_id", "kind")`,

  `create table "traffic_notifications" ("session_id" text not null, "notified_position" bigint not null default '0', "due_at" timestamptz not null default now(), "notifications" int not null default 0, primary key ("session_id"))`,
  `create index "traffic_notifications_due" on "traffic_notifications" ("due_at")`,

  `create table "closed_sessions" ("id_digest" text not null, "closed_at" timestamptz not null, primary key ("id_digest"))`,
  `create index "closed_sessions_closed" on "closed_sessions" ("closed_at")`,

  `create table "counters" ("name" text not null, "value" bigint not null default '0', primary key ("name"))`,
  `insert into "counters" ("name") values ('sessions-opened')`,
];

export class CreateRecord extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
