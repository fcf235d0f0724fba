import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "compose_names" ("name" text not null, "compose_id" bigint not null, "since" timestamptz not null, "set_by" text not null, "position" bigint not null, primary key ("name"))`,
  `create table "compose_name_places" ("name" text not null, "wanted" bigint not null, "published" bigint not null default 0, "owner" uuid null, "due_at" timestamptz not null default now(), "attempts" int not null default 0, primary key ("name"))`,
  `create index "compose_name_places_behind" on "compose_name_places" ("due_at") where "published" < "wanted"`,
];

export class CreateComposeNames extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
