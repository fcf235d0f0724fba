import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "bus_messages" ("position" bigint not null, "bus" text not null, "message_id" text not null, "topic" text not null, "body" text not null, "received_at" timestamptz not null, primary key ("position"))`,
  `alter table "bus_messages" add constraint "bus_messages_message" unique ("bus", "message_id")`,
  `create index "bus_messages_received" on "bus_messages" ("received_at", "position")`,
  `create table "parked_messages" ("id" bigserial primary key, "bus" text not null, "topic" text not null, "position" bigint null, "rule" text null, "reason" text not null, "excerpt" text not null, "parked_at" timestamptz not null default now(), "fingerprint" text not null, "unread" bytea null, "unread_details" text null)`,
  `alter table "parked_messages" add constraint "parked_messages_fingerprint" unique ("fingerprint")`,
  `create index "parked_messages_position" on "parked_messages" ("position")`,
  `create index "parked_messages_parked" on "parked_messages" ("parked_at")`,
  `create table "buses" ("name" text not null, "received" bigint not null default '0', "repeated" bigint not null default '0', "parked" bigint not null default '0', "received_at" timestamptz null, primary key ("name"))`,
];

export class CreateIncomingMessages extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
