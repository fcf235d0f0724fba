import { createHash } from 'node:crypto';
import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { normalisePath } from '../declarations/declared-url.js';
import { digestLengths } from './checksum-file.js';
import { checksumAlgorithms, type ChecksumAlgorithm } from './repository-path.js';

/** Lower-case hex by algorithm. */
export type FileDigests = Readonly<Partial<Record<ChecksumAlgorithm, string>>>;

/** Digests of a body as the client sees it, content coding undone. */
export async function digestFile(body: InspectedBody, context: InspectionContext): Promise<Required<FileDigests>> {
  const hashes = { sha512: createHash('sha512'), sha256: createHash('sha256'), sha1: createHash('sha1'), md5: createHash('md5') };
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    for (const algorithm of checksumAlgorithms) hashes[algorithm].update(chunk);
  }
  return { sha512: hashes.sha512.digest('hex'), sha256: hashes.sha256.digest('hex'), sha1: hashes.sha1.digest('hex'), md5: hashes.md5.digest('hex') };
}

/**
 * What the answer itself says of its body: `x-checksum-sha1: <hex>` of repository managers, and the entity tag `{SHA1{<hex>}}` of one. It is
 * of no use as proof, as it comes with the bytes that it speaks of, but it may contradict them.
 */
export function digestsInHeader(response: InspectedResponse): FileDigests {
  const declared: Partial<Record<ChecksumAlgorithm, string>> = {};
  const tag = /^(?:W\/)?"?\{SHA1\{([0-9a-f]{40})\}\}"?$/i.exec(response.header('etag') ?? '')?.[1];
  if (tag !== undefined) declared.sha1 = tag.toLowerCase();
  for (const algorithm of checksumAlgorithms) {
    const field = response.header(`x-checksum-${algorithm}`)?.trim().toLowerCase() ?? '';
    if (field.length === digestLengths[algorithm] && /^[0-9a-f]+$/.test(field)) declared[algorithm] = field;
  }
  return declared;
}

/** Digests of the file that the build was last given from an URL of the session, for checksum files that come after it. */
export function rememberFile(knowledge: SessionKnowledge, request: InspectedRequest, digests: FileDigests): Promise<void> {
  return knowledge.put(fileKey(request.origin, request.path), JSON.stringify(digests));
}

export async function findFile(knowledge: SessionKnowledge, origin: string, path: string): Promise<FileDigests | undefined> {
  const value = await knowledge.get(fileKey(origin, path));
  return value === undefined ? undefined : (JSON.parse(value) as FileDigests); // written by this file only
}

/** What the checksum files of a file said, for when the file comes after them. */
export async function findChecksums(knowledge: SessionKnowledge, origin: string, path: string): Promise<FileDigests> {
  const found = await Promise.all(checksumAlgorithms.map(async (algorithm) => [algorithm, await knowledge.get(checksumKey(origin, path, algorithm))] as const));
  return Object.fromEntries(found.filter(([, digest]) => digest !== undefined));
}

export function rememberChecksum(knowledge: SessionKnowledge, origin: string, checksum: { readonly subject: string; readonly algorithm: ChecksumAlgorithm; readonly digest: string }): Promise<void> {
  return knowledge.put(checksumKey(origin, checksum.subject, checksum.algorithm), checksum.digest);
}

function fileKey(origin: string, path: string): string {
  return `maven/file/${origin}${normalisePath(path)}`;
}

function checksumKey(origin: string, path: string, algorithm: ChecksumAlgorithm): string {
  return `maven/checksum/${algorithm}/${origin}${normalisePath(path)}`;
}
