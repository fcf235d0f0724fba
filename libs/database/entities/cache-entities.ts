import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');
/** Compared by bytes, which is faster and the same everywhere. */
const byteText = () => p.text().collation('C');
const rowId = () => p.bigint('number').primary().autoincrement();

/** A blob that is there, or that something names which is there. */
export const CacheBlobRow = defineEntity({
  name: 'CacheBlobRow',
  tableName: 'cache_blobs',
  properties: {
    id: rowId(),
    instance: byteText(),
    hash: p.blob(),
    /** 1: SHA-256, 2: BLAKE3. */
    function: p.smallint(),
    size: p.bigint('number'),
    present: p.boolean(),
    /** Null: its content is in `cache_blob_contents`, or it is absent. */
    object: p.text().nullable(),
    pushedBy: p.text().nullable(),
    /** In no index, so that writing it stays within the row's page. */
    usedAt: instant(),
    /** Its place in the queue of eviction: never later than `usedAt`, and moved there when its turn has come. */
    rankedAt: instant(),
    /** How many rows of `cache_entry_blobs` and `cache_blob_children` name it. */
    counted: p.integer().default(0),
    /** Bits of the shapes as which it was looked into. */
    expanded: p.smallint().default(0),
  },
  uniques: [{ name: 'cache_blobs_digest', properties: ['instance', 'hash', 'function', 'size'] }],
  indexes: [{ name: 'cache_blobs_uncounted', properties: ['instance', 'rankedAt'], where: '"counted" = 0' }],
});

/** Small blobs; apart, because rows of `cache_blobs` are written whenever they are used. */
export const CacheBlobContentRow = defineEntity({
  name: 'CacheBlobContentRow',
  tableName: 'cache_blob_contents',
  properties: { blobId: p.bigint('number').primary().autoincrement(false), content: p.blob() },
});

/** What a directory (shape 1) or tree (2) names. */
export const CacheBlobChildRow = defineEntity({
  name: 'CacheBlobChildRow',
  tableName: 'cache_blob_children',
  properties: {
    parentId: p.bigint('number').primary().autoincrement(false),
    parentShape: p.smallint().primary().autoincrement(false),
    childId: p.bigint('number').primary().autoincrement(false),
    childShape: p.smallint().primary().autoincrement(false),
  },
  indexes: [{ name: 'cache_blob_children_child', properties: ['childId'] }],
});

/** Objects of the store that no blob has: announced ones, which may be about to be written, and garbage. */
export const CacheObjectRow = defineEntity({
  name: 'CacheObjectRow',
  tableName: 'cache_objects',
  properties: {
    instance: byteText().primary(),
    key: byteText().primary(),
    /** From when on it may be deleted. */
    dueAt: instant(),
    /** False: nobody can commit it any more. */
    announced: p.boolean(),
  },
  indexes: [{ name: 'cache_objects_due', properties: ['instance', 'dueAt'] }],
});

export const CacheEntryRow = defineEntity({
  name: 'CacheEntryRow',
  tableName: 'cache_entries',
  properties: {
    id: rowId(),
    instance: byteText(),
    kind: byteText(),
    /** SHA-256 of key and qualifiers. */
    nameDigest: p.blob(),
    key: p.text(),
    /** As much of the key as an index can have. */
    keyStart: byteText(),
    /** JSON, keys sorted. */
    qualifiers: p.text(),
    /** SHA-256 of all that a push says except who says it. */
    contentDigest: p.blob(),
    /** JSON: target, references, properties, origin. */
    details: p.text(),
    value: p.blob().nullable(),
    valueBytes: p.integer(),
    expiresAt: instant().nullable(),
    pushedAt: instant(),
    pushedBy: p.text(),
    usedAt: instant(),
    /** Known to be complete until then, unless a blob is lost. */
    verifiedUntil: instant().nullable(),
    /** Grows with every loss of a blob that it needs. */
    serial: p.integer().default(0),
  },
  uniques: [{ name: 'cache_entries_name', properties: ['instance', 'kind', 'nameDigest'] }],
  indexes: [
    { name: 'cache_entries_used', properties: ['instance', 'usedAt', 'id'] },
    { name: 'cache_entries_key', properties: ['instance', 'kind', 'keyStart'] },
    { name: 'cache_entries_expiry', properties: ['instance', 'expiresAt'], where: '"expires_at" is not null' },
  ],
});

/** What an entry names, its target included. */
export const CacheEntryBlobRow = defineEntity({
  name: 'CacheEntryBlobRow',
  tableName: 'cache_entry_blobs',
  properties: {
    entryId: p.bigint('number').primary().autoincrement(false),
    blobId: p.bigint('number').primary().autoincrement(false),
    shape: p.smallint().primary().autoincrement(false),
  },
  indexes: [{ name: 'cache_entry_blobs_blob', properties: ['blobId'] }],
});

/** Projection: one row a name under which something was ever pushed, until it is forgotten. */
export const CacheEntryNameRow = defineEntity({
  name: 'CacheEntryNameRow',
  tableName: 'cache_entry_names',
  properties: {
    instance: byteText().primary(),
    kind: byteText().primary(),
    nameDigest: p.blob().primary(),
    key: p.text(),
    keyStart: byteText(),
    qualifiers: p.text(),
    pushes: p.bigint('number'),
    /** Of the newest push. */
    pushedAt: instant(),
    pushedBy: p.text(),
    session: p.text().nullable(),
    build: p.text().nullable(),
    /** Null: it is there. */
    removedAt: instant().nullable(),
    removedBy: p.text().nullable(),
    reason: p.text().nullable(),
  },
  indexes: [{ name: 'cache_entry_names_removed', properties: ['removedAt'], where: '"removed_at" is not null' }],
});

/** Which entries a session took or pushed. */
export const CacheTakingRow = defineEntity({
  name: 'CacheTakingRow',
  tableName: 'cache_takings',
  properties: {
    session: byteText().primary(),
    instance: byteText().primary(),
    kind: byteText().primary(),
    nameDigest: p.blob().primary(),
    key: p.text(),
    qualifiers: p.text(),
    how: p.text().$type<'pulled' | 'pushed'>(),
    at: instant(),
    /** Digest as text. */
    target: p.text().nullable(),
  },
});

/** Sums of it are how much there is; several rows an instance, so that writers do not wait for one. */
export const CacheUsageRow = defineEntity({
  name: 'CacheUsageRow',
  tableName: 'cache_usage',
  properties: { instance: byteText().primary(), shard: p.smallint().primary().autoincrement(false), bytes: p.bigint('number'), blobs: p.bigint('number'), entries: p.bigint('number') },
});

/** The store of the cache: what marks it as this record's, and since when it is away. One row. */
export const CacheStoreRow = defineEntity({
  name: 'CacheStoreRow',
  tableName: 'cache_stores',
  properties: { id: p.smallint().primary().autoincrement(false), marker: p.text().nullable(), awaySince: instant().nullable(), problem: p.text().nullable() },
});
