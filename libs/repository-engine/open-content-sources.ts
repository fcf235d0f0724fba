import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { packageFileName } from '../compose-engine/compose-layout.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { BlobStore } from '../blobs/open-blob-store.js';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeReads } from '../compose-record/compose-commands.js';
import type { ContentStore } from '../repository-source/content-store.js';
import type { ContentSources, FoundContent } from './content-sources.js';

export interface ContentSourcesOptions {
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly composes: Pick<ComposeReads, 'get'>;
  /** Packages and plans of composes, by their digests. */
  readonly contents: Pick<ContentStore, 'file' | 'size'>;
}

/** What sessions have kept and what composes are made of. Only what the session or the compose itself has can be had by its name: knowing a digest gives nothing. */
export function openContentSources({ blobs, composes, contents }: ContentSourcesOptions): ContentSources {
  return {
    async open({ sha256, from }) {
      if ('session' in from) {
        const { size, content } = await blobs.read(from.session, sha256);
        return { fileName: sha256, size, content: content as AsyncIterable<Buffer> };
      }
      if ('compose' in from) return ofCompose(sha256, from.compose, { composes, contents });
      throw new MillraceError('invalid-request', 'this service has no artifact cache that content could be taken from', { suggestion: 'Upload the package, or name the session or the compose that has it.' });
    },
  };
}

async function ofCompose(sha256: string, id: number, { composes, contents }: Pick<ContentSourcesOptions, 'composes' | 'contents'>): Promise<FoundContent> {
  const compose = await composes.get(id);
  if (compose === undefined || compose.plan === null || compose.state !== 'done') throw new MillraceError('compose-not-found', `there is no compose ${id} that is done`);
  const plan = JSON.parse(await readFile(contents.file(compose.plan), 'utf8').catch((cause: unknown) => {
    throw new MillraceError('blob-not-found', `the plan of compose ${id} is not kept any more`, { cause });
  })) as ComposePlan;
  const found = packagesOf(plan).find((planned) => planned.sha256 === sha256);
  const size = await contents.size(sha256);
  if (found === undefined || size === undefined) throw new MillraceError('blob-not-found', `compose ${id} has no package with SHA-256 ${sha256}`);
  return { fileName: packageFileName(found), size, content: createReadStream(contents.file(sha256)) as AsyncIterable<Buffer> };
}

function packagesOf({ trees }: ComposePlan): readonly PlannedPackage[] {
  return trees.flatMap(({ packages, debuginfo, sources }) => [...packages, ...debuginfo, ...sources]);
}
