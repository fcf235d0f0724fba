import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "outbound_messages" ("id" bigserial primary key, "stream_id" text not null, "topic" text not null, "body" text not null, "created_at" timestamptz not null default now(), "transaction_id" xid8 not null default pg_current_xact_id())`,
  `create table "message_sinks" ("name" text not null, "delivered_id" bigint not null default '0', "claimed_until" timestamptz not null default now(), "attempts" int not null default 0, "last_error" text null, primary key ("name"))`,
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
