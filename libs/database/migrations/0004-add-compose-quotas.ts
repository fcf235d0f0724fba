import { Migration } from '@mikro-orm/migrations';

const statements = [
  `alter table "compose_trees" add column "bytes" bigint null`,
  // A tree is as large as the event says that its own compose was done with.
  `update "compose_trees" as tree set "bytes" = done.bytes from (select "stream_id", max((("data"::json)->>'bytes')::bigint) as bytes from "events" where "type" = 'ComposeDone' group by "stream_id") as done where done."stream_id" = 'compose:' || tree."id"`,
  `create index "composes_owner_live" on "composes" ("owner", "state", "promises") where "state" <> 3`,
];

export class AddComposeQuotas extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }

  /** Forward only: a record is never taken back by a deployment. */
  override down(): void {
    throw new Error('migrations of the record go forward only');
  }
}
