import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** Projection: one row a stable name that points at a compose. */
export const ComposeNameRow = defineEntity({
  name: 'ComposeNameRow',
  tableName: 'compose_names',
  properties: {
    name: p.text().primary(),
    composeId: p.bigint('number'),
    since: instant(),
    setBy: p.text(),
    /** Position of the last event. */
    position: p.bigint('number'),
  },
});

/** What has to be written where names are found without the gateway: links in the directory of composes, objects in the bucket. */
export const ComposeNamePlace = defineEntity({
  name: 'ComposeNamePlace',
  tableName: 'compose_name_places',
  properties: {
    name: p.text().primary(),
    /** Position of the last event of the name, and of that which is written there. */
    wanted: p.bigint('number'),
    published: p.bigint('number').defaultRaw('0'),
    /** One worker at a time writes, until it is due again by the database's clock. */
    owner: p.uuid().nullable(),
    dueAt: instant().defaultRaw('now()'),
    attempts: p.integer().default(0),
  },
  indexes: [{ name: 'compose_name_places_behind', properties: ['dueAt'], where: '"published" < "wanted"' }],
});
