import { createHash } from 'node:crypto';
import type { InspectedRequest, InspectionContext, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readRepomd } from '../../rpm/metadata/repomd.js';
import { findMetalinks } from './metalinks.js';
import { rememberRepository } from './repositories.js';
import { parseRepositoryPlace, requestUrl } from './repository-path.js';
import { verifyRepomd } from './repomd-signature.js';
import { keysFor } from './rpm-configuration.js';

/** Decoded bytes; the largest known have some 20 KB. */
const sizeLimit = 2 * 1024 * 1024;

/** Roots of rpm-md repositories, see docs/reference/inspectors/rpm.md. */
export const rpmRepomdInspector: Inspector = {
  id: 'rpm.repomd',
  inspectRequest: (request) =>
    request.method === 'GET' && parseRepositoryPlace(request)?.file === 'repomd.xml' ? { opinion: 'Pending', reason: 'valid URL for the index of an RPM repository' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const place = parseRepositoryPlace(request);
    if (response.status !== 200 || place === undefined) return undefined;
    const bytes = await body.read(sizeLimit);
    const repomd = await readRepomd(inOneChunk(bytes), context.signal);
    const metalinks = await checkMetalinks(bytes, request, context);
    const keyring = await keysFor(context.configuration, [requestUrl(request), place.base]);
    const signedBy = keyring === undefined ? '' : await verifyRepomd(bytes, { base: place.base, keyring }, context);
    context.signal?.throwIfAborted();
    const digest = createHash('sha256').update(bytes).digest('hex');
    await rememberRepository(context.knowledge, { base: place.base, revision: repomd.revision, digest, signedBy, files: repomd.files });
    return {
      opinion: 'Approved',
      reason: reasonFor({ signed: signedBy !== '', configured: keyring !== undefined, metalinks }),
      annotations: { files: repomd.files.map(({ type }) => type), metalinks },
      metadata: { type: 'application/x.rpm.repomd', name: place.base.slice(request.origin.length), version: repomd.revision, signedBy },
    };
  },
};

async function* inOneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** URLs of the metalinks that name this place. Throws a reason when one does not know this document. */
async function checkMetalinks(bytes: Buffer, request: InspectedRequest, { knowledge }: InspectionContext): Promise<readonly string[]> {
  const metalinks = await findMetalinks(knowledge, requestUrl(request));
  for (const { url, alternatives } of metalinks) {
    const known = alternatives.some((checksums) => checksums.every(({ algorithm, hex }) => createHash(algorithm).update(bytes).digest('hex') === hex));
    if (!known) throw refusal(`the repomd.xml has none of the digests that the metalink ${url} declares: this mirror is out of date, or was changed; another mirror will do`);
  }
  return metalinks.map(({ url }) => url);
}

function reasonFor({ signed, configured, metalinks }: { signed: boolean; configured: boolean; metalinks: readonly string[] }): string {
  const chained = metalinks.length > 0 ? ', with the digest that a metalink declares' : '';
  if (signed) return `valid repository index, signed by a configured key${chained}`;
  const advice = configured ? 'it is not signed, so each of its packages has to be signed by a configured key' : 'no key is configured for it, so its signature, if it has one, was not looked at';
  return `valid repository index${chained}; ${advice}`;
}
