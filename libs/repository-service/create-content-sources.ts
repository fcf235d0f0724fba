import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { NamesByHash } from '../cache-record/find-by-hash.js';
import type { BlobStore } from '../blobs/open-blob-store.js';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeReads } from '../compose-record/compose-commands.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { ContentSources, FoundContent } from '../repository-engine/content-sources.js';
import type { ContentStore } from '../repository-source/content-store.js';

export interface ContentPlaces {
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly composes: Pick<ComposeReads, 'get'>;
  /** Package files and plans of composes. */
  readonly content: Pick<ContentStore, 'file' | 'size'>;
  readonly cache: Pick<ArtifactCache, 'instance' | 'readBlob'>;
  readonly cachedNames: Pick<NamesByHash, 'findBlob'>;
}

/** What sessions have downloaded, composes have and builds have pushed to the artifact cache, for repositories that take it in by its digest. */
export function createContentSources({ blobs, composes, content, cache, cachedNames }: ContentPlaces): ContentSources {
  async function fromCompose(composeId: number, sha256: string): Promise<FoundContent> {
    const compose = await composes.get(composeId);
    if (compose === undefined) throw new MillraceError('compose-not-found', `there is no compose ${composeId}`);
    if (compose.plan === null) throw new MillraceError('blob-not-found', `compose ${composeId} is ${compose.state} and has no packages`);
    const plan = JSON.parse(await readFile(content.file(compose.plan), 'utf8')) as ComposePlan;
    const found = plan.trees.flatMap(({ packages, debuginfo, sources }) => [...packages, ...debuginfo, ...sources]).find((each) => each.sha256 === sha256);
    const size = found === undefined ? undefined : await content.size(sha256);
    if (found === undefined || size === undefined) throw new MillraceError('blob-not-found', `compose ${composeId} has no package ${sha256}`);
    return { fileName: fileNameOf(found), size, content: createReadStream(content.file(sha256)) };
  }

  async function fromCache(named: string, sha256: string, signal: AbortSignal): Promise<FoundContent> {
    const instance = cache.instance(named).name;
    const digest = await cachedNames.findBlob(instance, { function: 'sha256', hash: sha256 });
    if (digest === undefined) throw new MillraceError('blob-not-found', `the artifact cache ${instance} has no blob ${sha256}`, { suggestion: 'What was not used for long is evicted: push it again, or upload the package.' });
    return { fileName: sha256, ...(await cache.readBlob(instance, digest, { signal })) };
  }

  return {
    async open({ sha256, from }, { signal }) {
      if ('session' in from) return { fileName: sha256, ...(await blobs.read(from.session, sha256)) };
      if ('compose' in from) return fromCompose(from.compose, sha256);
      return fromCache(from.cache, sha256, signal);
    },
  };
}

function fileNameOf({ name, version, release, arch }: PlannedPackage): string {
  return `${name}-${version}-${release}.${arch}.rpm`;
}
