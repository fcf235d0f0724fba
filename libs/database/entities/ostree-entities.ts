import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');
/** Compared by bytes, which is faster and the same everywhere. */
const byteText = () => p.text().collation('C');

/** An object that is in the exported repository. */
export const OstreeObjectRow = defineEntity({
  name: 'OstreeObjectRow',
  tableName: 'ostree_objects',
  properties: {
    instance: byteText().primary(),
    checksum: p.blob().primary(),
    /** As `libs/ostree/object-name.ts` lists them, from 0. */
    type: p.smallint().primary().autoincrement(false),
    /** As it is stored. */
    bytes: p.bigint('number'),
    /** No ref leads to it since then; null: one does. */
    unneededSince: instant().nullable(),
  },
  indexes: [{ name: 'ostree_objects_unneeded', properties: ['instance', 'unneededSince'], where: '"unneeded_since" is not null' }],
});

/** What a commit or directory names. */
export const OstreeChildRow = defineEntity({
  name: 'OstreeChildRow',
  tableName: 'ostree_children',
  properties: { instance: byteText().primary(), parent: p.blob().primary(), child: p.blob().primary(), childType: p.smallint().primary().autoincrement(false) },
});

/** Which object a blob of the cache became, so that it is converted once. */
export const OstreeConversionRow = defineEntity({
  name: 'OstreeConversionRow',
  tableName: 'ostree_conversions',
  properties: {
    instance: byteText().primary(),
    hash: p.blob().primary(),
    function: p.smallint().primary().autoincrement(false),
    /** 0: a file, 1: an executable file, 2: a directory. */
    form: p.smallint().primary().autoincrement(false),
    checksum: p.blob(),
  },
  indexes: [{ name: 'ostree_conversions_checksum', properties: ['instance', 'checksum'] }],
});

/** A ref of the exported repository, and the entry of the cache that it belongs to. */
export const OstreeRefRow = defineEntity({
  name: 'OstreeRefRow',
  tableName: 'ostree_refs',
  properties: {
    instance: byteText().primary(),
    name: byteText().primary(),
    commit: p.blob(),
    /** Of the commit object. */
    commitBytes: p.bigint('number'),
    /** Seconds since 1970. */
    committedAt: p.bigint('number'),
    entryKind: byteText(),
    /** Digest of its key and qualifiers, as in `cache_entries`. */
    entryName: p.blob(),
    /** What it led to when it was exported. */
    entryContent: p.blob(),
  },
  indexes: [{ name: 'ostree_refs_entry', properties: ['instance', 'entryKind', 'entryName'] }],
});

/** An entry that cannot be exported as it is, and when it is looked at again. */
export const OstreeRefusalRow = defineEntity({
  name: 'OstreeRefusalRow',
  tableName: 'ostree_refusals',
  properties: { instance: byteText().primary(), entryKind: byteText().primary(), entryName: p.blob().primary(), entryContent: p.blob(), problem: p.text(), againAt: instant() },
});

/** How often refs have changed, and which of these changes the published summary has. */
export const OstreeSummaryRow = defineEntity({
  name: 'OstreeSummaryRow',
  tableName: 'ostree_summaries',
  properties: { instance: byteText().primary(), changes: p.bigint('number'), published: p.bigint('number') },
});
