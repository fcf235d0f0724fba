import { CacheBlobChildRow, CacheBlobContentRow, CacheBlobRow, CacheEntryBlobRow, CacheEntryNameRow, CacheEntryRow, CacheObjectRow, CacheStoreRow, CacheTakingRow, CacheUsageRow } from './cache-entities.js';
import { ComposeIdempotency, ComposeOutboxMessage, ComposePackageRow, ComposeRow, ComposeTree, RecordIdentity } from './compose-entities.js';
import { ComposeNamePlace, ComposeNameRow } from './compose-name-entities.js';
import { ClosedSession, Counter, OutboxMessage, ProxyProcess, Revocation, RevocationAck, SessionKnowledgeRow, SessionSecretsRow, TrafficNotification } from './operation-entities.js';
import { BusMessageRow, BusRow, ParkedMessageRow } from './incoming-entities.js';
import { MessageSinkRow, OutboundMessageRow } from './message-entities.js';
import { OstreeChildRow, OstreeConversionRow, OstreeObjectRow, OstreeRefRow, OstreeRefusalRow, OstreeSummaryRow } from './ostree-entities.js';
import {
  PackageMetadataRow,
  RepositoryArrivalRow,
  RepositoryChangeRow,
  RepositoryChangeSourceRow,
  RepositoryListingRow,
  RepositoryPackageRow,
  RepositoryPlannedPackageRow,
  RepositoryPlanRow,
  RepositoryRow,
  RepositoryStateRow,
  RepositoryUploadRow,
} from './repository-entities.js';
import { ComposeRuleRow, RuleComposeRow } from './rule-entities.js';
import { ArtefactRow, DownloadRow, SessionRow } from './projection-entities.js';
import { StoredEvent, Stream } from './stream-entities.js';

export * from './cache-entities.js';
export * from './compose-entities.js';
export * from './compose-name-entities.js';
export * from './incoming-entities.js';
export * from './message-entities.js';
export * from './operation-entities.js';
export * from './ostree-entities.js';
export * from './projection-entities.js';
export * from './repository-entities.js';
export * from './rule-entities.js';
export * from './stream-entities.js';

/** Every table there is; the migrations are checked against this list. */
export const entities = [
  Stream,
  StoredEvent,
  SessionRow,
  ArtefactRow,
  DownloadRow,
  SessionSecretsRow,
  SessionKnowledgeRow,
  ProxyProcess,
  Revocation,
  RevocationAck,
  OutboxMessage,
  TrafficNotification,
  ClosedSession,
  Counter,
  ComposeRow,
  ComposeTree,
  ComposePackageRow,
  ComposeIdempotency,
  ComposeOutboxMessage,
  RecordIdentity,
  OutboundMessageRow,
  MessageSinkRow,
  BusMessageRow,
  ParkedMessageRow,
  BusRow,
  ComposeRuleRow,
  RuleComposeRow,
  ComposeNameRow,
  ComposeNamePlace,
  PackageMetadataRow,
  RepositoryArrivalRow,
  RepositoryChangeRow,
  RepositoryChangeSourceRow,
  RepositoryListingRow,
  RepositoryPackageRow,
  RepositoryPlannedPackageRow,
  RepositoryPlanRow,
  RepositoryRow,
  RepositoryStateRow,
  RepositoryUploadRow,
  CacheBlobChildRow,
  CacheBlobContentRow,
  CacheBlobRow,
  CacheEntryBlobRow,
  CacheEntryNameRow,
  CacheEntryRow,
  CacheObjectRow,
  CacheStoreRow,
  CacheTakingRow,
  CacheUsageRow,
  OstreeObjectRow,
  OstreeChildRow,
  OstreeConversionRow,
  OstreeRefRow,
  OstreeRefusalRow,
  OstreeSummaryRow,
] as const;
