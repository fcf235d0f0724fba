import { defineEntity, p } from '@mikro-orm/postgresql';

const instant = () => p.datetime().columnType('timestamptz');
/** Package managers sort by bytes. */
const byteText = () => p.text().collation('C');

const packageProperties = () => ({
  repository: p.text().primary(),
  key: byteText().primary(),
  sha256: p.text(),
  size: p.bigint('number'),
  path: p.text(),
  name: p.text(),
  version: p.text(),
  architecture: p.text(),
  component: p.text(),
  addedAt: instant(),
  /** JSON. */
  origin: p.text(),
  publishedBy: p.text(),
});

/** Projection: one row a repository that was not removed. */
export const RepositoryRow = defineEntity({
  name: 'RepositoryRow',
  tableName: 'repositories',
  properties: {
    name: byteText().primary(),
    kind: p.text(),
    store: p.text(),
    folder: p.text(),
    /** JSON. */
    settings: p.text(),
    /** What clients see; 0: nothing yet. */
    state: p.bigint('number'),
    /** The highest number that a state ever had, abandoned ones included. */
    lastState: p.bigint('number'),
    packages: p.bigint('number'),
    bytes: p.bigint('number'),
    createdAt: instant(),
    createdBy: p.text(),
    changedAt: instant(),
    /** Of the last event. */
    position: p.bigint('number'),
  },
});

/** Projection: one row a published state. */
export const RepositoryStateRow = defineEntity({
  name: 'RepositoryStateRow',
  tableName: 'repository_states',
  properties: {
    repository: p.text().primary(),
    state: p.bigint('number').primary(),
    at: instant(),
    /** JSON arrays. */
    kinds: p.text(),
    changedBy: p.text(),
    packages: p.bigint('number'),
    bytes: p.bigint('number'),
    added: p.bigint('number'),
    removed: p.bigint('number'),
    /** JSON. */
    indexFiles: p.text(),
  },
});

/** Projection: from which state and until before which a package is listed; a state is a query of these. */
export const RepositoryListingRow = defineEntity({
  name: 'RepositoryListingRow',
  tableName: 'repository_listings',
  properties: {
    repository: p.text().primary(),
    key: byteText().primary(),
    fromState: p.bigint('number').primary(),
    untilState: p.bigint('number').nullable(),
  },
  indexes: [
    { name: 'repository_listings_from', properties: ['repository', 'fromState'] },
    { name: 'repository_listings_until', properties: ['repository', 'untilState'] },
  ],
});

/** Projection: one row a package that a state has ever listed. */
export const RepositoryPackageRow = defineEntity({
  name: 'RepositoryPackageRow',
  tableName: 'repository_packages',
  properties: {
    ...packageProperties(),
    object: p.text().$type<'placed' | 'obsolete' | 'deleted'>(),
    /** Null while the state that clients see lists it. */
    unlistedAt: instant().nullable(),
    /** To `.obsolete/`. */
    movedAt: instant().nullable(),
  },
  indexes: [
    { name: 'repository_packages_version', properties: ['repository', 'name', 'architecture'] },
    { name: 'repository_packages_sha256', properties: ['sha256', 'repository'] },
    { name: 'repository_packages_prunable', properties: ['repository', 'unlistedAt'], where: `"object" = 'placed' and "unlisted_at" is not null` },
    { name: 'repository_packages_expired', properties: ['repository', 'movedAt'], where: `"object" = 'obsolete'` },
  ],
});

/** What packages say of themselves, by their digest; kept when files and repositories go. */
export const PackageMetadataRow = defineEntity({
  name: 'PackageMetadataRow',
  tableName: 'package_metadata',
  properties: { kind: p.text().primary(), sha256: p.text().primary(), metadata: p.blob() },
});

export const RepositoryUploadRow = defineEntity({
  name: 'RepositoryUploadRow',
  tableName: 'repository_uploads',
  properties: {
    id: p.uuid().primary(),
    repository: p.text(),
    fileName: p.text(),
    sha256: p.text(),
    size: p.bigint('number'),
    uploadedBy: p.text(),
    uploadedAt: instant(),
    /** What it is; null until it is inspected. */
    key: p.text().nullable(),
    name: p.text().nullable(),
    version: p.text().nullable(),
    architecture: p.text().nullable(),
    path: p.text().nullable(),
    component: p.text().nullable(),
    /** Its object is being deleted: no change can have it any more. */
    leaving: p.boolean().default(false),
    /** It counts towards the limits of the spool: somebody has published it, and no synchronisation. */
    spooled: p.boolean().default(true),
  },
  indexes: [
    { name: 'repository_uploads_sha256', properties: ['repository', 'sha256'] },
    { name: 'repository_uploads_uploaded', properties: ['repository', 'uploadedAt'] },
  ],
});

/** Room that is kept for an upload while it arrives; one that was not seen for long is of a process that was killed. */
export const RepositoryArrivalRow = defineEntity({
  name: 'RepositoryArrivalRow',
  tableName: 'repository_arrivals',
  properties: { id: p.uuid().primary(), repository: p.text(), uploadedBy: p.text(), spooled: p.boolean(), bytes: p.bigint('number'), seenAt: instant() },
});

export const RepositoryChangeRow = defineEntity({
  name: 'RepositoryChangeRow',
  tableName: 'repository_changes',
  properties: {
    id: p.uuid().primary(),
    /** The order in which they were asked for. */
    number: p.bigint('number').autoincrement(),
    repository: p.text(),
    kind: p.text(),
    /** JSON. */
    request: p.text(),
    forced: p.boolean(),
    requestedBy: p.text(),
    requestedAt: instant(),
    phase: p.text().$type<'waiting' | 'planned' | 'done' | 'failed'>(),
    /** That is made with it. */
    state: p.bigint('number').nullable(),
    /** JSON; there from its planning on. */
    outcome: p.text().nullable(),
    problem: p.text().nullable(),
    endedAt: instant().nullable(),
  },
  indexes: [
    { name: 'repository_changes_number', properties: ['repository', 'number'] },
    { name: 'repository_changes_unsettled', properties: ['repository', 'number'], where: '"ended_at" is null' },
  ],
});

/** What a change publishes: an upload, or whatever has these bytes. */
export const RepositoryChangeSourceRow = defineEntity({
  name: 'RepositoryChangeSourceRow',
  tableName: 'repository_change_sources',
  properties: { changeId: p.uuid().primary(), place: p.integer().primary(), uploadId: p.uuid().nullable(), sha256: p.text().nullable() },
  indexes: [
    { name: 'repository_change_sources_upload', properties: ['uploadId'] },
    { name: 'repository_change_sources_sha256', properties: ['sha256'] },
  ],
});

/** The state that is being made: at most one a repository. */
export const RepositoryPlanRow = defineEntity({
  name: 'RepositoryPlanRow',
  tableName: 'repository_plans',
  properties: {
    repository: p.text().primary(),
    state: p.bigint('number'),
    beforeState: p.bigint('number'),
    at: instant(),
    /** JSON. */
    settings: p.text(),
    /** Of the whole list. */
    bytes: p.bigint('number'),
    /** Clients may see some of it: it has to be carried through. */
    switching: p.boolean().default(false),
  },
});

/** How its list differs from that of the state before. */
export const RepositoryPlannedPackageRow = defineEntity({
  name: 'RepositoryPlannedPackageRow',
  tableName: 'repository_planned_packages',
  properties: {
    ...packageProperties(),
    /** False: listed until now. */
    listed: p.boolean(),
    /** A state before has listed it. */
    known: p.boolean(),
    uploadId: p.uuid().nullable(),
  },
});
