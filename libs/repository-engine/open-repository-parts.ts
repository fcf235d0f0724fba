import path from 'node:path';
import { openBlobStore } from '../blobs/open-blob-store.js';
import { localBlobFolder } from '../blobs/local-blob-folder.js';
import { createComposeReads } from '../compose-record/create-compose-reads.js';
import { createNamedLocks } from '../database/advisory-locks.js';
import { packageFormats } from '../repository-formats/package-formats.js';
import { createRepositoryCommands } from '../repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../repository-record/create-repository-reads.js';
import { openContentStore } from '../repository-source/content-store.js';
import { openRepositoryStores } from '../repository-stores/open-repository-stores.js';
import { openSigningKeys } from '../signing/open-signing-keys.js';
import { createRepositoryEngine } from './create-repository-engine.js';
import { openContentSources } from './open-content-sources.js';
import type { Database } from '../database/open-database.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import type { RepositoryCommands, RepositoryReads } from '../repository-record/repository-record.js';
import type { RepositoryStores } from '../repository-stores/repository-stores.js';
import type { RepositoryKind } from '../repository/repository.js';
import type { Environment, Settings } from '../settings/settings.js';
import type { SigningKeys } from '../signing/signer.js';
import type { PackageInspection } from './package-inspection.js';
import type { RepositoryEngine } from './repository-engine.js';

/** All that a process needs that works on repositories, made of the settings. */
export interface RepositoryParts {
  readonly stores: RepositoryStores;
  readonly commands: RepositoryCommands;
  readonly reads: RepositoryReads;
  readonly formats: Readonly<Record<RepositoryKind, PackageFormat>>;
  readonly keys: SigningKeys;
  readonly engine: RepositoryEngine;
  close(): Promise<void>;
}

export interface RepositoryPartsOptions {
  readonly settings: Settings;
  /** Secrets that settings files name. */
  readonly environment: Environment;
  /** Where packages are read; in threads of their own when not given. */
  readonly inspection?: PackageInspection;
}

/** Connects to nothing yet but reads the settings' files. Errors: `invalid-setting`. */
export async function openRepositoryParts(database: Database, { settings, environment, inspection }: RepositoryPartsOptions): Promise<RepositoryParts> {
  const formats = packageFormats;
  const stores = await openRepositoryStores(settings, environment);
  const keys = await openSigningKeys(settings, environment);
  const compare = (kind: RepositoryKind) => (one: string, other: string): number => formats[kind].compareVersions(one, other);
  const commands = createRepositoryCommands(database, { repositoryUrl: settings.repositoryUrl, compareVersions: { haiku: compare('haiku'), rpm: compare('rpm'), deb: compare('deb') } });
  const reads = createRepositoryReads(database);
  const composes = createComposeReads(database);
  const sources = openContentSources({ blobs: await openBlobStore(settings), composes, contents: await openContentStore(path.join(localBlobFolder(settings), 'content')) });
  const engine = createRepositoryEngine({
    stores,
    commands,
    reads,
    formats,
    keys,
    sources,
    locks: createNamedLocks(database.url),
    workRoot: path.join(settings.home, 'repository-work'),
    packageBytes: settings.packageBytes,
    ...(inspection === undefined ? {} : { inspection }),
  });
  return {
    stores,
    commands,
    reads,
    formats,
    keys,
    engine,
    async close() {
      await inspection?.close();
      await composes.close();
      await keys.close();
      stores.close();
    },
  };
}
