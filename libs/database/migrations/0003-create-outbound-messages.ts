import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "outbound_messages" ("id" bigserial primary key, "message_id" uuid not null default gen_random_uuid(), "stream_id" text not null, "topic" text not null, "body" text not null, "created_at" timestamptz not null default now(), "position" bigint null)`,
  `alter table "outbound_messages" add constraint "outbound_messages_position" unique ("position")`,
  `create index "outbound_messages_created" on "outbound_messages" ("created_at")`,
  `create table "message_sinks" ("name" text not null, "delivered_position" bigint not null default '0', "owner" uuid null, "claimed_until" timestamptz not null default now(), "due_at" timestamptz not null default now(), "attempts" int not null default 0, "refusals" int not null default 0, "last_error" text null, "delivered" bigint not null default '0', "skipped" bigint not null default '0', "expired" bigint not null default '0', "seen_at" timestamptz not null default now(), primary key ("name"))`,
];

export class CreateOutboundMessages extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
