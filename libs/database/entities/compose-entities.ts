import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');

/** Projection: one row a compose. Ids are given out by the sequence `compose_ids`. Every filter and order of the API has its index; nulls come first, as clients know it from ODCS. */
export const ComposeRow = defineEntity({
  name: 'ComposeRow',
  tableName: 'composes',
  properties: {
    id: p.bigint('number').primary().autoincrement(false),
    owner: p.text(),
    /** Numbers of the ODCS contract, as `state`: clients order by them. */
    sourceType: p.smallint(),
    /** Space-joined, as clients see and filter it. */
    source: p.text(),
    state: p.smallint(),
    stateReason: p.text().nullable(),
    /** JSON. */
    request: p.text(),
    /** JSON; the pinned sources. */
    inputs: p.text().nullable(),
    submittedAt: instant(),
    startedAt: instant().nullable(),
    doneAt: instant().nullable(),
    expiresAt: instant(),
    removedAt: instant().nullable(),
    removedBy: p.text().nullable(),
    cancelledBy: p.text().nullable(),
    reusedId: p.bigint('number').nullable(),
    /** The tree whose files it has or waits for, until it is removed. */
    promises: p.bigint('number').nullable(),
    kojiEvent: p.bigint('number').nullable(),
    pungiComposeId: p.text().nullable(),
    plan: p.text().nullable(),
    label: p.text().nullable(),
    composeType: p.text(),
    /** Position of the last event. */
    position: p.bigint('number'),
  },
  indexes: [
    { name: 'composes_owner', properties: ['owner', 'id'] },
    { name: 'composes_source_type', properties: ['sourceType', 'id'] },
    // Lists of URLs are longer than an entry of another kind of index may be.
    { name: 'composes_source', properties: ['source'], type: 'hash' },
    { name: 'composes_state', properties: ['state', 'id'] },
    { name: 'composes_koji_event', properties: ['kojiEvent', 'id'], columns: [{ name: 'kojiEvent', nulls: 'first' }, { name: 'id' }] },
    { name: 'composes_pungi_compose_id', properties: ['pungiComposeId', 'id'] },
    { name: 'composes_compose_type', properties: ['composeType', 'id'] },
    { name: 'composes_label', properties: ['label', 'id'] },
    { name: 'composes_submitted', properties: ['submittedAt', 'id'] },
    { name: 'composes_expires', properties: ['expiresAt', 'id'] },
    { name: 'composes_done', properties: ['doneAt', 'id'], columns: [{ name: 'doneAt', nulls: 'first' }, { name: 'id' }] },
    { name: 'composes_removed', properties: ['removedAt', 'id'], columns: [{ name: 'removedAt', nulls: 'first' }, { name: 'id' }] },
    { name: 'composes_promises', properties: ['promises', 'state'] },
    // What an owner has, for quotas; most composes are removed.
    { name: 'composes_owner_live', properties: ['owner', 'state', 'promises'], where: '"state" <> 3' },
  ],
});

/** Projection: one row a directory of files, named for the compose that makes them. */
export const ComposeTree = defineEntity({
  name: 'ComposeTree',
  tableName: 'compose_trees',
  properties: {
    id: p.bigint('number').primary().autoincrement(false),
    targetDir: p.text(),
    /** Equal digests: equal bytes. */
    inputsDigest: p.text(),
    state: p.text().$type<'generating' | 'ready' | 'abandoned' | 'failed' | 'releasing'>(),
    plan: p.text().nullable(),
    pungiComposeId: p.text().nullable(),
    /** Of its package files, when they are all there. */
    bytes: p.bigint('number').nullable(),
    /** That `compose_packages` has them. */
    packagesKnown: p.boolean().default(false),
  },
  // Single flight: of fifty that claim, one inserts.
  uniques: [{ name: 'compose_trees_live', properties: ['inputsDigest'], where: `"state" in ('generating', 'ready')` }],
});

/** Which trees have a package file; made from their plans, by workers. */
export const ComposePackageRow = defineEntity({
  name: 'ComposePackageRow',
  tableName: 'compose_packages',
  properties: {
    /** Lower-case hex. */
    sha256: p.text().primary(),
    tree: p.bigint('number').primary(),
  },
  indexes: [{ name: 'compose_packages_tree', properties: ['tree'] }],
});

/** Keys with which clients mark a request that they may have to send again. */
export const ComposeIdempotency = defineEntity({
  name: 'ComposeIdempotency',
  tableName: 'compose_idempotency',
  properties: {
    owner: p.text().primary(),
    /** SHA-256, since keys are as long as clients like. */
    keyDigest: p.text().primary(),
    requestDigest: p.text(),
    composeId: p.bigint('number'),
    expiresAt: instant(),
  },
  indexes: [{ name: 'compose_idempotency_expires', properties: ['expiresAt'] }],
});

/** What the workflow engine has to hear of composes. */
export const ComposeOutboxMessage = defineEntity({
  name: 'ComposeOutboxMessage',
  tableName: 'compose_outbox',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    composeId: p.bigint('number'),
    kind: p.text().$type<'start' | 'changed'>(),
    createdAt: instant().defaultRaw('now()'),
    dueAt: instant().defaultRaw('now()'),
    attempts: p.integer().default(0),
  },
  indexes: [
    { name: 'compose_outbox_due', properties: ['dueAt'] },
    { name: 'compose_outbox_compose', properties: ['composeId', 'id'] },
  ],
});

/** One row, made with the table: which record this is. Directories of files that belong to it are marked with it. */
export const RecordIdentity = defineEntity({
  name: 'RecordIdentity',
  tableName: 'record_identity',
  properties: {
    id: p.uuid().primary().defaultRaw('gen_random_uuid()'),
  },
});
