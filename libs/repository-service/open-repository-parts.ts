import path from 'node:path';
import { createNamedLocks } from '../database/advisory-locks.js';
import type { Database } from '../database/open-database.js';
import { openRepositoryMaintenance, type RepositoryMaintenance } from '../repository-checks/repository-maintenance.js';
import type { ContentSources } from '../repository-engine/content-sources.js';
import type { PackageInspection } from '../repository-engine/package-inspection.js';
import { createPackageThreads } from '../package-inspection/package-threads.js';
import { createRepositoryEngine } from '../repository-engine/create-repository-engine.js';
import type { RepositoryEngine } from '../repository-engine/repository-engine.js';
import { repositoryFormats } from '../repository-formats/repository-formats.js';
import { createRepositoryCommands, type RepositoryCommandsOptions } from '../repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../repository-record/create-repository-reads.js';
import type { RepositoryCommands, RepositoryReads } from '../repository-record/repository-record.js';
import { openRepositoryStores, type RepositoryStoresOptions } from '../repository-stores/open-repository-stores.js';
import type { RepositoryStores } from '../repository-stores/repository-stores.js';
import type { Environment, Settings } from '../settings/settings.js';
import { openSigningKeys } from '../signing/open-signing-keys.js';
import type { SigningKeys } from '../signing/signer.js';

/** Package repositories as a process has them, joined by its settings. */
export interface RepositoryParts {
  readonly stores: RepositoryStores;
  readonly keys: SigningKeys;
  readonly commands: RepositoryCommands;
  readonly reads: RepositoryReads;
  readonly engine: RepositoryEngine;
  readonly maintenance: RepositoryMaintenance;
  close(): Promise<void>;
}

export interface RepositoryPartsOptions {
  readonly settings: Settings;
  /** Secrets that files of settings name. */
  readonly environment: Environment;
  readonly sources: ContentSources;
  /** Of this process, below `home`: work files and caches. */
  readonly workFolder: string;
  /** Of Millrace; upstreams of mirrors see it. */
  readonly version: string;
  /** A change was made durable: its workflow looks again. */
  readonly onRequested: (repository: string) => Promise<void>;
  readonly storage?: RepositoryStoresOptions;
  /** Where packages are read; in threads of their own unless told. Specs of what is around it read them where they are. */
  readonly inspection?: PackageInspection;
}

/** Connects to nothing yet. Errors: `invalid-setting`. */
export async function openRepositoryParts(database: Database, { settings, environment, sources, workFolder, version, onRequested, storage = {}, inspection = createPackageThreads() }: RepositoryPartsOptions): Promise<RepositoryParts> {
  const stores = await openRepositoryStores(settings, environment, storage);
  const keys = await openSigningKeys(settings, environment);
  const commands = createRepositoryCommands(database, { repositoryUrl: settings.repositoryUrl, compareVersions: versionOrders, spool: { bytes: settings.spoolBytes, publisherBytes: settings.spoolPublisherBytes } });
  const reads = createRepositoryReads(database);
  const workRoot = path.join(settings.home, workFolder);
  const shared = { stores, commands, reads, formats: repositoryFormats, locks: createNamedLocks(settings.databaseUrl ?? '') };
  const engine = createRepositoryEngine({ ...shared, inspection, keys, sources, workRoot, packageBytes: settings.packageBytes });
  const maintenance = openRepositoryMaintenance({ ...shared, inspection, engine, settings, workRoot, version, onRequested });
  return {
    stores,
    keys,
    commands,
    reads,
    engine,
    maintenance,
    async close() {
      await maintenance.close();
      await inspection.close();
      await keys.close();
      stores.close();
    },
  };
}

const { haiku, rpm, deb } = repositoryFormats;
const versionOrders: RepositoryCommandsOptions['compareVersions'] = {
  haiku: (one, other) => haiku.compareVersions(one, other),
  rpm: (one, other) => rpm.compareVersions(one, other),
  deb: (one, other) => deb.compareVersions(one, other),
};
