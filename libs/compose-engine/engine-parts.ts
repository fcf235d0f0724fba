import { readFileSync } from 'node:fs';
import path from 'node:path';
import { blobRoot } from '../blobs/open-blob-store.js';
import { parseBucketUrl } from '../object-storage/bucket-location.js';
import type { Bucket } from '../object-storage/open-bucket.js';
import { projectRoot } from '../embedded/project-root.js';
import { openContentStore, type ContentStore } from '../repository-source/content-store.js';
import { createRepositorySource, type OpenRepositorySource } from '../repository-source/repository-source.js';
import { createRepositoryWriter, type CachingRepositoryWriter } from '../rpm-repository/create-repository-writer.js';
import { createBucketTrees, type BucketTrees } from './bucket-trees.js';
import type { EngineSettings } from './engine-settings.js';

export interface EngineParts {
  readonly store: ContentStore;
  readonly source: OpenRepositorySource;
  readonly writer: CachingRepositoryWriter;
  /** Where composes of the default place are published, too. */
  readonly bucket: BucketTrees | undefined;
  close(): Promise<void>;
}

/** What the engine's process and each of its threads have for themselves; the files behind it are shared. */
export async function openEngineParts(settings: EngineSettings): Promise<EngineParts> {
  const store = await openContentStore(path.join(blobRoot(settings.blobs), 'content'));
  const caches = path.join(settings.home, 'compose-caches');
  const source = createRepositorySource({ settings, content: store, directory: path.join(caches, 'sources'), version: millraceVersion() });
  const writer = createRepositoryWriter({ content: store, cacheDirectory: path.join(caches, 'repositories') });
  const bucket = settings.composeBucket === undefined ? undefined : await openComposeBucket(settings.composeBucket);
  return {
    store,
    source,
    writer,
    bucket: bucket === undefined ? undefined : createBucketTrees(bucket),
    async close() {
      writer.close();
      bucket?.close();
      await source.close();
    },
  };
}

/** Loaded where it is needed only: the SDK takes longer to load than a small compose takes to make. */
async function openComposeBucket(url: string): Promise<Bucket> {
  const { openBucket } = await import('../object-storage/open-bucket.js');
  return openBucket(parseBucketUrl(url, 'MILLRACE_COMPOSE_BUCKET'));
}

function millraceVersion(): string {
  return (JSON.parse(readFileSync(path.join(projectRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}
