import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "compose_packages" ("sha256" text not null, "tree" bigint not null, primary key ("sha256", "tree"))`,
  `create index "compose_packages_tree" on "compose_packages" ("tree")`,
  `alter table "compose_trees" add column "packages_known" boolean not null default false`,

  `create table "repository_arrivals" ("id" uuid not null, "repository" text not null, "uploaded_by" text not null, "spooled" boolean not null, "bytes" bigint not null, "seen_at" timestamptz not null, primary key ("id"))`,
  `alter table "repository_uploads" add column "spooled" boolean not null default true`,
];

export class AddOriginsAndArrivals extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
