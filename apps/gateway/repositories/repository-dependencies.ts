import path from 'node:path';
import type { Client } from '@temporalio/client';
import { createNamedLocks } from '../../../libs/database/advisory-locks.js';
import type { Database } from '../../../libs/database/open-database.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { createRepositoryEngine } from '../../../libs/repository-engine/create-repository-engine.js';
import type { RepositoryEngineOptions } from '../../../libs/repository-engine/engine-options.js';
import { inspectHere } from '../../../libs/repository-engine/package-inspection.js';
import { debFormat } from '../../../libs/repository-formats/deb/deb-format.js';
import { openRepositoryMaintenance } from '../../../libs/repository-checks/repository-maintenance.js';
import { chooseForBuilder } from '../../../libs/repository-formats/haiku/choose-build-packages.js';
import { haikuFormat } from '../../../libs/repository-formats/haiku/haiku-format.js';
import type { PackageFormat } from '../../../libs/repository-formats/package-format.js';
import { rpmFormat } from '../../../libs/repository-formats/rpm/rpm-format.js';
import { createRepositoryCommands, type RepositoryCommandsOptions } from '../../../libs/repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../../../libs/repository-record/create-repository-reads.js';
import { openRepositoryStores } from '../../../libs/repository-stores/open-repository-stores.js';
import type { RepositoryStores } from '../../../libs/repository-stores/repository-stores.js';
import type { RepositoryKind } from '../../../libs/repository/repository.js';
import type { Environment, Settings } from '../../../libs/settings/settings.js';
import { openSigningKeys } from '../../../libs/signing/open-signing-keys.js';
import type { SigningKeys } from '../../../libs/signing/signer.js';
import { createRepositoryWorkflowClient } from '../../../temporal/repository-workflow-client.js';
import { gatewayVersion } from '../gateway-version.js';
import type { RepositoryDependencies } from './repository-ports.js';

export interface OpenRepositoryDependencies extends RepositoryDependencies {
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
}

const formats: Readonly<Record<RepositoryKind, PackageFormat>> = { haiku: haikuFormat, rpm: rpmFormat, deb: debFormat };

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openRepositoryDependencies(database: Database, { settings, client, environment, taskQueue, noted }: RepositoryDependencyOptions): Promise<OpenRepositoryDependencies> {
  const stores = await openRepositoryStores(settings, environment);
  const keys = await openSigningKeys(settings, environment);
  const options = repositoryEngineOptions(database, { settings, stores, keys });
  const commands = createRepositoryCommands(database, options.record);
  const reads = createRepositoryReads(database);
  const engine = createRepositoryEngine(options);
  const workflows = createRepositoryWorkflowClient(client, taskQueue === undefined ? {} : { taskQueue });
  const maintenance = openRepositoryMaintenance({ ...options, commands, reads, engine, settings, version: gatewayVersion, inspection: inspectHere, onRequested: (name) => noted(workflows.changed(name)) });
  return {
    commands,
    reads,
    stores,
    engine,
    formats: new Map(Object.entries(formats) as [RepositoryKind, PackageFormat][]),
    resolvers: new Map([['haiku', chooseForBuilder]]),
    keys,
    workflows: {
      apply: (name, changeId, call) => noted(workflows.apply(name, changeId, call)),
      changed: (name, call) => noted(workflows.changed(name, call)),
      status: (name, call) => noted(workflows.status(name, call)),
    },
    maintenance: { ...maintenance, prune: (name, call) => engine.prune(name, call) },
    async close() {
      await maintenance.close();
      await keys.close();
      stores.close();
    },
  };
}

/** What an engine is made of in the gateway, and the record below it. */
export function repositoryEngineOptions(database: Database, { settings, stores, keys }: { readonly settings: Settings; readonly stores: Pick<RepositoryStores, 'open'>; readonly keys: SigningKeys }): RepositoryEngineOptions & { readonly record: RepositoryCommandsOptions } {
  const record: RepositoryCommandsOptions = { repositoryUrl: settings.repositoryUrl, compareVersions: { haiku: (one, other) => haikuFormat.compareVersions(one, other), rpm: (one, other) => rpmFormat.compareVersions(one, other), deb: (one, other) => debFormat.compareVersions(one, other) } };
  return { record, stores, commands: createRepositoryCommands(database, record), reads: createRepositoryReads(database), formats, keys, sources: workersFetch, locks: createNamedLocks(settings.databaseUrl ?? ''), workRoot: path.join(settings.home, 'gateway-repositories'), packageBytes: settings.packageBytes };
}

/** Content of sessions and composes lies with the workers. */
const workersFetch: RepositoryEngineOptions['sources'] = {
  open: () => Promise.reject(new MillraceError('invalid-request', 'contents: what Millrace has elsewhere is fetched when the change is made, and cannot be tried before', { suggestion: 'Leave out "dryRun", or upload the packages.' })),
};
