import { Migration } from '@mikro-orm/migrations';

const statements = [
  `create table "cache_stores" ("id" smallint not null, "marker" text null, "away_since" timestamptz null, "problem" text null, primary key ("id"))`,
];

export class CreateCacheStore extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
