import { createHash } from 'node:crypto';
import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { normalisePath } from '../declarations/declared-url.js';
import { sidecarAlgorithms, type SidecarAlgorithm } from './repository-path.js';

/** Lower-case hex by algorithm. */
export type FileDigests = Readonly<Partial<Record<SidecarAlgorithm, string>>>;

export const digestLengths: Readonly<Record<SidecarAlgorithm, number>> = { sha512: 128, sha256: 64, sha1: 40, md5: 32 };

/**
 * Digests a file, compares them with what the repository said of it (header fields of this answer, sidecars that came before) and
 * remembers them for sidecars to come. Returns the algorithms that agreed; throws a reason when one does not.
 */
export async function checkFileDigests(
  request: InspectedRequest,
  response: InspectedResponse,
  body: InspectedBody,
  context: InspectionContext,
): Promise<readonly SidecarAlgorithm[]> {
  const actual = await digestFile(body, context);
  const path = normalisePath(request.path);
  const agreed = new Set<SidecarAlgorithm>();
  const declared = declaredInHeader(response);
  for (const algorithm of sidecarAlgorithms) {
    const sidecar = await context.knowledge.get(sidecarKey(request.origin, path, algorithm));
    if (sidecar !== undefined && sidecar !== actual[algorithm]) throw refusal(`the file's ${algorithm} digest is not the one in the .${algorithm} file that came before it`);
    if (declared[algorithm] !== undefined && declared[algorithm] !== actual[algorithm])
      throw refusal(`the file's ${algorithm} digest is not the one that the repository's answer declares`);
    if (sidecar !== undefined || declared[algorithm] !== undefined) agreed.add(algorithm);
  }
  await context.knowledge.put(fileKey(request.origin, path), JSON.stringify(actual));
  return [...agreed];
}

/** Remembers a sidecar's digest. `undefined`: its file has not come yet; else whether the file that came has this digest. */
export async function checkSidecar(
  sidecar: { readonly origin: string; readonly subject: string; readonly algorithm: SidecarAlgorithm; readonly digest: string },
  context: InspectionContext,
): Promise<boolean | undefined> {
  const path = normalisePath(sidecar.subject);
  await context.knowledge.put(sidecarKey(sidecar.origin, path, sidecar.algorithm), sidecar.digest);
  const known = await context.knowledge.get(fileKey(sidecar.origin, path));
  return known === undefined ? undefined : (JSON.parse(known) as FileDigests)[sidecar.algorithm] === sidecar.digest; // written by this file only
}

async function digestFile(body: InspectedBody, context: InspectionContext): Promise<FileDigests> {
  const hashes = sidecarAlgorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    for (const [, hash] of hashes) hash.update(chunk);
  }
  return Object.fromEntries(hashes.map(([algorithm, hash]) => [algorithm, hash.digest('hex')]));
}

/** `x-checksum-sha1: <hex>`, which Maven reads since 3.9, and the entity tag `{SHA1{<hex>}}` of one repository manager. */
function declaredInHeader(response: InspectedResponse): FileDigests {
  const declared: Partial<Record<SidecarAlgorithm, string>> = {};
  const tag = /^(?:W\/)?"?\{SHA1\{([0-9a-f]{40})\}\}"?$/i.exec(response.header('etag') ?? '')?.[1];
  if (tag !== undefined) declared.sha1 = tag.toLowerCase();
  for (const algorithm of sidecarAlgorithms) {
    const field = response.header(`x-checksum-${algorithm}`)?.trim().toLowerCase() ?? '';
    if (field.length === digestLengths[algorithm] && /^[0-9a-f]+$/.test(field)) declared[algorithm] = field;
  }
  return declared;
}

function fileKey(origin: string, path: string): string {
  return `maven/file/${origin}${path}`;
}

function sidecarKey(origin: string, path: string, algorithm: SidecarAlgorithm): string {
  return `maven/sidecar/${algorithm}/${origin}${path}`;
}
