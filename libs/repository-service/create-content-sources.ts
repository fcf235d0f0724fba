import { open } from 'node:fs/promises';
import path from 'node:path';
import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { NamesByHash } from '../cache-record/find-by-hash.js';
import type { BlobStore } from '../blobs/open-blob-store.js';
import { treeOf, type Compose } from '../compose/compose.js';
import { packageFileName, placesOfTree, type ComposePlaces } from '../compose-engine/compose-layout.js';
import { readPackagesOfPlan } from '../compose-engine/read-plan.js';
import type { ComposeReads } from '../compose-record/compose-commands.js';
import { MillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import type { ContentSources, FoundContent } from '../repository-engine/content-sources.js';
import type { ContentStore } from '../repository-source/content-store.js';

export interface ContentPlaces {
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly composes: Pick<ComposeReads, 'get'>;
  /** Package files and plans of composes. */
  readonly content: Pick<ContentStore, 'file'>;
  /** Their trees. */
  readonly places: ComposePlaces;
  readonly cache: Pick<ArtifactCache, 'instance' | 'readBlob'>;
  readonly cachedNames: Pick<NamesByHash, 'findBlob'>;
}

/** What sessions have downloaded, composes have and builds have pushed to the artifact cache, for repositories that take it in by its digest. */
export function createContentSources({ blobs, composes, content, places, cache, cachedNames }: ContentPlaces): ContentSources {
  async function fromCompose(composeId: number, sha256: string): Promise<FoundContent> {
    const compose = await composes.get(composeId);
    if (compose === undefined) throw new MillraceError('compose-not-found', `there is no compose ${composeId}`);
    if (compose.state === 'removed') throw new MillraceError('compose-closed', `compose ${composeId} has expired or was deleted, and its files with it`, { suggestion: 'Renew the compose, or upload the package.' });
    if (compose.plan === null || compose.state !== 'done') throw new MillraceError('blob-not-found', `compose ${composeId} is ${compose.state} and has no packages`);
    const found = (await readPackagesOfPlan(content, compose.plan)).find((each) => each.package.sha256 === sha256);
    if (found === undefined) throw new MillraceError('blob-not-found', `compose ${composeId} has no package ${sha256}`);
    const fileName = packageFileName(found.package);
    return { fileName, ...((await openFile(content.file(sha256))) ?? (await fromTree(compose, found.file))) };
  }

  /** Where a tree has copies of its packages, the content store keeps them only as long as they are used. */
  async function fromTree({ id, reusedId, request: { targetDir } }: Compose, file: string): Promise<Omit<FoundContent, 'fileName'>> {
    const { directory } = placesOfTree(places, { id: treeOf({ id, reusedId }), targetDir });
    const opened = await openFile(path.join(directory, file));
    if (opened === undefined) throw new MillraceError('blob-not-found', `the files of compose ${id} are not there any more`, { suggestion: 'Ask for the compose again, or upload the package.' });
    return opened;
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

/** Open before it is read: a sweep may come between. Undefined: it is not there. */
async function openFile(file: string): Promise<Omit<FoundContent, 'fileName'> | undefined> {
  try {
    const handle = await open(file);
    return { size: (await handle.stat()).size, content: handle.createReadStream() };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
