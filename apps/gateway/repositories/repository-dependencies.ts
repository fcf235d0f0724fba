import type { Client } from '@temporalio/client';
import { Registry } from 'prom-client';
import type { Database } from '../../../libs/database/open-database.js';
import { defaultCache } from '../../../libs/object-storage/cached-store.js';
import { storageMetrics, type StorageMetrics } from '../../../libs/object-storage/measured-store.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { chooseForBuilder } from '../../../libs/repository-formats/haiku/choose-build-packages.js';
import type { PackageFormat } from '../../../libs/repository-formats/package-format.js';
import { repositoryFormats } from '../../../libs/repository-formats/repository-formats.js';
import type { PackageInspection } from '../../../libs/repository-engine/package-inspection.js';
import type { ContentSources } from '../../../libs/repository-engine/content-sources.js';
import { openRepositoryParts } from '../../../libs/repository-service/open-repository-parts.js';
import type { RepositoryKind } from '../../../libs/repository/repository.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';
import { createRepositoryWorkflowClient } from '../../../temporal/repository-workflow-client.js';
import { gatewayVersion } from '../gateway-version.js';
import type { RepositoryDependencies } from './repository-ports.js';

export interface OpenRepositoryDependencies extends RepositoryDependencies {
  /** Into `storage`, for whoever else opens a store here. */
  readonly storageMetrics: (store: string) => StorageMetrics;
  close(): Promise<void>;
}

export interface RepositoryDependencyOptions {
  readonly settings: Settings;
  readonly client: Client;
  readonly environment: Environment;
  /** Another task queue than `repositories`; for specs that share a Temporal server. */
  readonly taskQueue: string | undefined;
  /** Called with every call to the workflow engine. */
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
  /** See `RepositoryPartsOptions`. */
  readonly inspection?: PackageInspection;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openRepositoryDependencies(database: Database, { settings, client, environment, taskQueue, inspection, noted }: RepositoryDependencyOptions): Promise<OpenRepositoryDependencies> {
  const workflows = createRepositoryWorkflowClient(client, taskQueue === undefined ? {} : { taskQueue });
  const changed = (name: string): Promise<void> => noted(workflows.changed(name));
  const storage = new Registry();
  const metrics = storageMetrics(storage);
  const parts = await openRepositoryParts(database, { settings, environment, sources: workersFetch, workFolder: 'gateway-repositories', version: gatewayVersion, onRequested: changed, storage: { metrics, cache: defaultCache }, ...(inspection === undefined ? {} : { inspection }) });
  const { commands, reads, stores, engine, keys, maintenance } = parts;
  return {
    commands,
    reads,
    stores,
    storage,
    storageMetrics: metrics,
    engine,
    formats: new Map(Object.entries(repositoryFormats) as [RepositoryKind, PackageFormat][]),
    resolvers: new Map([['haiku', chooseForBuilder]]),
    keys,
    workflows: {
      apply: (name, changeId, options) => noted(workflows.apply(name, changeId, options)),
      changed: (name, options) => noted(workflows.changed(name, options)),
      status: (name, options) => noted(workflows.status(name, options)),
      upkeep: (name, options) => noted(workflows.upkeep(name, options)),
    },
    // Done here for whoever waits for it; what a repository asks of itself is done by its workflow. Locks keep the two apart.
    maintenance: { ...maintenance, prune: (name, options) => engine.prune(name, options) },
    close: () => parts.close(),
  };
}

/** Content of sessions and composes lies with the workers. */
const workersFetch: ContentSources = {
  open: () => Promise.reject(new MillraceError('invalid-request', 'contents: what Millrace has elsewhere is fetched when the change is made, and cannot be tried before', { suggestion: 'Leave out "dryRun", or upload the packages.' })),
};
