import { CreateRecord } from './0001-create-record.js';
import { CreateComposes } from './0002-create-composes.js';
import { CreateOutboundMessages } from './0003-create-outbound-messages.js';
import { AddComposeQuotas } from './0004-add-compose-quotas.js';
import { CreateIncomingMessages } from './0005-create-incoming-messages.js';
import { CreateComposeRules } from './0006-create-compose-rules.js';
import { CreateComposeNames } from './0007-create-compose-names.js';
import { CreateRepositories } from './0008-create-repositories.js';
import { CreateArtifactCaches } from './0009-create-artifact-caches.js';
import { CreateOstreeExports } from './0010-create-ostree-exports.js';
import { CreateCacheStore } from './0011-create-cache-store.js';
import { AddOriginsAndArrivals } from './0012-add-origins-and-arrivals.js';

/** In the order of application. A migration that was released is never changed; a new one follows it. */
export const migrations = [
  { name: '0001-create-record', class: CreateRecord },
  { name: '0002-create-composes', class: CreateComposes },
  { name: '0003-create-outbound-messages', class: CreateOutboundMessages },
  { name: '0004-add-compose-quotas', class: AddComposeQuotas },
  { name: '0005-create-incoming-messages', class: CreateIncomingMessages },
  { name: '0006-create-compose-rules', class: CreateComposeRules },
  { name: '0007-create-compose-names', class: CreateComposeNames },
  { name: '0008-create-repositories', class: CreateRepositories },
  { name: '0009-create-artifact-caches', class: CreateArtifactCaches },
  { name: '0010-create-ostree-exports', class: CreateOstreeExports },
  { name: '0011-create-cache-store', class: CreateCacheStore },
  { name: '0012-add-origins-and-arrivals', class: AddOriginsAndArrivals },
];
