import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create sequence "compose_ids" as bigint`,

  `create table "composes" ("id" bigint not null, "owner" text not null, "source_type" smallint not null, "source" text not null, "state" smallint not null, "state_reason" text null, "request" text not null, "inputs" text null, "submitted_at" timestamptz not null, "started_at" timestamptz null, "done_at" timestamptz null, "expires_at" timestamptz not null, "removed_at" timestamptz null, "removed_by" text null, "cancelled_by" text null, "reused_id" bigint null, "promises" bigint null, "koji_event" bigint null, "pungi_compose_id" text null, "plan" text null, "label" text null, "compose_type" text not null, "position" bigint not null, primary key ("id"))`,
  `create index "composes_owner" on "composes" ("owner", "id")`,
  `create index "composes_source_type" on "composes" ("source_type", "id")`,
  `create index "composes_source" on "composes" using hash ("source")`,
  `create index "composes_state" on "composes" ("state", "id")`,
  `create index "composes_koji_event" on "composes" ("koji_event" nulls first, "id")`,
  `create index "composes_pungi_compose_id" on "composes" ("pungi_compose_id", "id")`,
  `create index "composes_compose_type" on "composes" ("compose_type", "id")`,
  `create index "composes_label" on "composes" ("label", "id")`,
  `create index "composes_submitted" on "composes" ("submitted_at", "id")`,
  `create index "composes_expires" on "composes" ("expires_at", "id")`,
  `create index "composes_done" on "composes" ("done_at" nulls first, "id")`,
  `create index "composes_removed" on "composes" ("removed_at" nulls first, "id")`,
  `create index "composes_promises" on "composes" ("promises", "state")`,

  `create table "compose_trees" ("id" bigint not null, "target_dir" text not null, "inputs_digest" text not null, "state" text not null, "plan" text null, "pungi_compose_id" text null, primary key ("id"))`,
  `create unique index "compose_trees_live" on "compose_trees" ("inputs_digest") where "state" in ('generating', 'ready')`,

  `create table "compose_idempotency" ("owner" text not null, "key_digest" text not null, "request_digest" text not null, "compose_id" bigint not null, "expires_at" timestamptz not null, primary key ("owner", "key_digest"))`,
  `create index "compose_idempotency_expires" on "compose_idempotency" ("expires_at")`,

  `create table "compose_outbox" ("id" bigserial primary key, "compose_id" bigint not null, "kind" text not null, "created_at" timestamptz not null default now(), "due_at" timestamptz not null default now(), "attempts" int not null default 0)`,
  `create index "compose_outbox_due" on "compose_outbox" ("due_at")`,
  `create index "compose_outbox_compose" on "compose_outbox" ("compose_id", "id")`,

  `create table "record_identity" ("id" uuid not null default gen_random_uuid(), primary key ("id"))`,
  `insert into "record_identity" default values`,
];

export class CreateComposes extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
