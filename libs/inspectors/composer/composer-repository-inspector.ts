import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { digestBody } from '../declarations/integrity.js';
import { isComposerClient } from './composer-client.js';
import { rememberDists, rememberMetadataUrl } from './declared-dist.js';
import { composerPurl } from './package-name.js';
import { readPackages, type DeclaredDist } from './repository-document.js';
import { parseRepositoryPath, type RepositoryPath } from './repository-path.js';

/** Decoded bytes. Parsing is synchronous, so this also bounds how long others wait. */
const documentLimit = 32 * 1024 * 1024;

/** Documents of Composer repositories, see docs/reference/inspectors/composer.md. */
export const composerRepositoryInspector: Inspector = {
  id: 'composer.repository',
  inspectRequest: (request) => (askedPath(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a document of a Composer repository' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedPath(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    const document = parseBoundedJson(await body.read(documentLimit));
    if (!isRecord(document)) throw refusal('the document of the Composer repository is not a JSON object');
    if (asked.kind === 'package') return judgePackage(document, asked.name, { request, context });
    if (asked.kind === 'part' && (await digestBody(body, asked.algorithm, context)) !== asked.digest)
      return { opinion: 'Rejected', reason: `the document's ${asked.algorithm} digest is not the one in its name` };
    return judgeRepository(document, asked.kind, { request, context });
  },
};

function askedPath(request: InspectedRequest): RepositoryPath | undefined {
  const asked = request.method === 'GET' ? parseRepositoryPath(request.path) : undefined;
  return isComposerClient(request) || (asked?.kind === 'package' && asked.wellKnown) ? asked : undefined;
}

interface Exchange {
  readonly request: InspectedRequest;
  readonly context: InspectionContext;
}

async function judgePackage(document: Record<string, unknown>, name: string, { request, context }: Exchange): Promise<ResponseInspection> {
  const dists = readPackages(document, request.url).get(name);
  if (dists === undefined) throw refusal(`the document is not that of ${name}`);
  context.signal?.throwIfAborted();
  const remembered = await rememberDists(context.knowledge, name, { index: request.url, dists });
  return {
    opinion: 'Approved',
    reason: 'valid metadata of a Composer package',
    annotations: { dists: dists.length, remembered, 'with-checksum': withChecksum(dists) },
    metadata: { type: 'application/x.composer.metadata', name, purl: composerPurl(name) },
  };
}

/** The root of a repository, or a part of one: lists of providers, or whole packages. */
async function judgeRepository(document: Record<string, unknown>, kind: 'root' | 'part', { request, context }: Exchange): Promise<ResponseInspection> {
  const keys = ['packages', 'includes', 'providers', 'provider-includes', 'providers-url', 'metadata-url'];
  if (!keys.some((key) => own(document, key) !== undefined)) throw refusal('the document is not one of a Composer repository: it has neither packages nor says where they are');
  const packages = readPackages(document, request.url);
  const all: DeclaredDist[] = [];
  for (const [name, dists] of packages) {
    context.signal?.throwIfAborted();
    await rememberDists(context.knowledge, name, { index: request.url, dists });
    all.push(...dists);
  }
  if (all.length > 0) await rememberDists(context.knowledge, '', { index: request.url, dists: all });
  const template = own(document, 'metadata-url');
  if (typeof template === 'string' && URL.canParse(template, request.url))
    await rememberMetadataUrl(context.knowledge, new URL(template, request.url).href.replaceAll('%25package%25', '%package%'));
  return {
    opinion: 'Approved',
    reason: kind === 'root' ? 'valid root of a Composer repository' : 'valid part of a Composer repository',
    annotations: { packages: packages.size, dists: all.length, 'with-checksum': withChecksum(all) },
    metadata: { type: `application/x.composer.${kind}` },
  };
}

function withChecksum(dists: readonly DeclaredDist[]): number {
  return dists.filter(({ shasum }) => shasum !== '').length;
}
