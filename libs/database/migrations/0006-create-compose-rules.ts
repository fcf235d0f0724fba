import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "compose_rules" ("name" text not null, "position" bigint not null default '0', "settled_position" bigint not null default '0', "counts" text not null default '{}', "problem" text null, "paused_by" text null, "paused_at" timestamptz null, "retired_at" timestamptz null, "created_at" timestamptz not null default now(), primary key ("name"))`,
  `create table "rule_composes" ("compose_id" bigint not null, "rule" text not null, "key" text not null, "position" bigint not null, "replay" text not null, "attempt" int not null, "chain" text not null, "requested_at" timestamptz not null default now(), primary key ("compose_id"))`,
  `alter table "rule_composes" add constraint "rule_composes_cause" unique ("rule", "key", "position", "replay", "attempt")`,
];

export class CreateComposeRules extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
