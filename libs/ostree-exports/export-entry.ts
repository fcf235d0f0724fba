import type { CacheDigest } from '../cache/cache-digest.js';
import { digestText } from '../cache/cache-digest.js';
import { MillraceError } from '../errors/millrace-error.js';
import { metadataChecksum, writeCommit } from '../ostree/metadata-objects.js';
import { objectPath, type ObjectName } from '../ostree/object-name.js';
import { artifactRef, assertRefName } from '../ostree/ref-name.js';
import type { SummaryRef } from '../ostree/summary.js';
import type { PendingEntry } from '../ostree-record/ostree-record.js';
import { Artifact } from '../remote-apis/generated/buildstream/v2/artifact.js';
import { exportPath, type ExportCall, type ExportParts } from './export-parts.js';
import { exportMadeDirectory, exportTree, type ExportedTree } from './export-tree.js';

const prefixes = { directory: 'urn:fdc:buildstream.build:2020:v1:', blob: 'urn:fdc:buildstream.build:2020:artifact:' } as const;

/**
 * Exports what an entry leads to: the tree of an artifact of BuildStream 1 as it is, the files of one of BuildStream 2 below `files`, which is where BuildStream 1 has
 * them. The same tree is the same commit, whenever and under whatever key. Errors: `entry-not-found` (not complete, or gone), `source-invalid`, `payload-too-large`, and those of the stores.
 */
export async function exportEntry(parts: ExportParts, call: ExportCall, entry: PendingEntry): Promise<Omit<SummaryRef, 'name'>> {
  const found = await parts.cache.findEntry({ instance: call.instance, kind: entry.kind, key: entry.key, qualifiers: {} }, { signal: call.signal });
  if (found?.target === undefined) throw new MillraceError('entry-not-found', `${entry.key} is not complete`);
  const { digest } = found.target;
  const tree = entry.kind === 'directory' ? await exportTree(parts, call, digest) : await exportArtifact(parts, call, digest);
  return exportCommit(parts, call, tree);
}

/** Errors: `source-invalid`. */
export function refOfEntry({ kind, key }: PendingEntry): string {
  const [project = '', ...rest] = key.slice(prefixes[kind === 'directory' ? 'directory' : 'blob'].length).split('/');
  const last = rest.pop() ?? '';
  if (project === '' || rest.length === 0 || last === '') throw new MillraceError('source-invalid', `${key} names no project, element and key`);
  const name = artifactRef(project, rest.join('/'), last);
  assertRefName(name);
  return name;
}

async function exportArtifact(parts: ExportParts, call: ExportCall, digest: CacheDigest): Promise<ExportedTree> {
  const [bytes] = await parts.cache.readBlobs(call.instance, [digest], { signal: call.signal });
  if (bytes === undefined) throw new MillraceError('entry-not-found', `${digestText(digest)} is gone`);
  const { files } = decodeArtifact(bytes);
  if (files === undefined) return exportMadeDirectory(parts, call, {});
  return exportMadeDirectory(parts, call, { files: { function: digest.function, hash: files.hash, size: files.sizeBytes } });
}

function decodeArtifact(bytes: Buffer): Artifact {
  try {
    return Artifact.decode(bytes);
  } catch (cause) {
    throw new MillraceError('source-invalid', 'bytes that are no artifact of BuildStream', { cause });
  }
}

async function exportCommit({ store, record }: ExportParts, { instance, signal }: ExportCall, { dirtree, dirmeta }: ExportedTree): Promise<Omit<SummaryRef, 'name'>> {
  const timestamp = 0n;
  const bytes = writeCommit({ metadata: [], parent: undefined, subject: 'Artifact', body: '', timestamp, dirtree: dirtree.checksum, dirmeta: dirmeta.checksum });
  const name: ObjectName = { checksum: metadataChecksum(bytes), type: 'commit' };
  await store.put(exportPath(instance, objectPath(name)), bytes, { signal });
  await record.keep(instance, [{ ...name, bytes: bytes.length, children: [dirtree, dirmeta] }]);
  return { commit: name.checksum, size: BigInt(bytes.length), timestamp };
}
