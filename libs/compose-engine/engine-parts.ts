import { readFileSync } from 'node:fs';
import path from 'node:path';
import { localBlobFolder } from '../blobs/local-blob-folder.js';
import { projectRoot } from '../embedded/project-root.js';
import type { GitCheckout } from '../git-checkout/checkout.js';
import { createGitCheckout } from '../git-checkout/create-git-checkout.js';
import { createKojiHub } from '../koji/koji-hub.js';
import { createKojiSource, type KojiSource } from '../koji/koji-source.js';
import { createModuleBuildService, type ModuleBuildService } from '../mbs/module-build-service.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import { briefRetries } from '../object-storage/retrying-store.js';
import { openPulpSource, type PulpSource } from '../pulp/pulp-source.js';
import { openContentStore, type ContentStore } from '../repository-source/content-store.js';
import { createRepositorySource, createSourceClient, type OpenRepositorySource } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import { createRepositoryWriter, type CachingRepositoryWriter } from '../rpm-repository/create-repository-writer.js';
import { createBucketTrees, type BucketTrees } from './bucket-trees.js';
import type { Environment } from '../settings/settings.js';
import type { EngineSettings } from './engine-settings.js';

export interface EngineParts {
  readonly store: ContentStore;
  readonly source: OpenRepositorySource;
  readonly writer: CachingRepositoryWriter;
  /** Undefined: no hub is configured. */
  readonly koji: KojiSource | undefined;
  /** Undefined: no module build service is configured. */
  readonly modules: ModuleBuildService | undefined;
  readonly git: GitCheckout;
  /** Undefined: no Pulp server is configured. */
  readonly pulp: PulpSource | undefined;
  /** Where composes of the default place are published, too. */
  readonly bucket: BucketTrees | undefined;
  close(): Promise<void>;
}

export interface EnginePartsOptions {
  /** Secrets of settings files may be there. */
  readonly environment?: Environment | undefined;
  /** Where git is looked for, as in PATH. */
  readonly searchPath?: string | undefined;
}

/** Milliseconds that a hub may take before an answer begins: large tags keep its database busy. */
const hubTime = 300_000;

/** What the engine's process and each of its threads have for themselves; the files behind it are shared. Errors: `invalid-setting`. */
export async function openEngineParts(settings: EngineSettings, { environment = {}, searchPath = '' }: EnginePartsOptions = {}): Promise<EngineParts> {
  const pulp = settings.pulpFile === undefined ? undefined : await openPulpSource({ file: settings.pulpFile, environment, connect: (tls) => createSourceClient({ settings, version: millraceVersion(), limits: { ...sourceLimits, redirects: 0 }, tls }) });
  const store = await openContentStore(path.join(localBlobFolder(settings), 'content'));
  const caches = path.join(settings.home, 'compose-caches');
  const version = millraceVersion();
  const source = createRepositorySource({ settings: { ...settings, composeSourcePaths: readablePaths(settings) }, content: store, directory: path.join(caches, 'sources'), version });
  const hubClient = settings.koji === undefined ? undefined : createSourceClient({ settings, version, limits: { ...sourceLimits, progressTime: hubTime } });
  const git = createGitCheckout({ client: createSourceClient({ settings, version, limits: sourceLimits }), sourcePaths: settings.composeSourcePaths, searchPath });
  const writer = createRepositoryWriter({ content: store, cacheDirectory: path.join(caches, 'repositories') });
  const bucket = settings.composeBucket === undefined ? undefined : openObjectStore(settings.composeBucket, { name: 'MILLRACE_COMPOSE_BUCKET', retries: briefRetries });
  return {
    store,
    source,
    writer,
    koji: settings.koji === undefined || hubClient === undefined ? undefined : createKojiSource({ hub: createKojiHub({ url: settings.koji.hub, client: hubClient }), top: settings.koji.top, source, content: store, directory: path.join(caches, 'koji') }),
    modules: settings.moduleBuildService === undefined ? undefined : createModuleBuildService({ url: settings.moduleBuildService, source }),
    git,
    pulp,
    bucket: bucket === undefined ? undefined : createBucketTrees(bucket),
    async close() {
      writer.close();
      bucket?.close();
      await git.close();
      await hubClient?.close();
      await source.close();
    },
  };
}

/** Renewals fetch packages again by where they were. */
function readablePaths({ composeSourcePaths, koji }: EngineSettings): readonly string[] {
  return koji?.top.startsWith('/') === true ? [...composeSourcePaths, koji.top] : composeSourcePaths;
}

export function millraceVersion(): string {
  return (JSON.parse(readFileSync(path.join(projectRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}
