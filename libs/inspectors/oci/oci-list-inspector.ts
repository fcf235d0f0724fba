import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { rememberDescriptors } from './declared-descriptors.js';
import { headOnly, isFetch } from './fetch-method.js';
import { manifestLimit, parseManifest } from './manifest.js';
import { isRepositoryName, isTag, parseRepositoryPath, type RepositoryPath } from './repository-path.js';

/** Decoded bytes; a repository of 100,000 tags has some 5 MB. */
const listLimit = 16 * 1024 * 1024;
const pingLimit = 4096;

const reasons: Readonly<Partial<Record<RepositoryPath['kind'], string>>> = {
  ping: 'valid URL for the version check of a registry',
  catalog: 'valid URL for the list of repositories',
  tags: 'valid URL for the tags of a repository',
  referrers: 'valid URL for what refers to an image',
};

/** The version check (`/v2/`), lists of repositories and tags, and what refers to an image; see docs/reference/inspectors/oci.md. */
export const ociListInspector: Inspector = {
  id: 'oci.list',
  inspectRequest: (request) => {
    const asked = isFetch(request) ? parseRepositoryPath(request.path) : undefined;
    const reason = asked === undefined ? undefined : reasons[asked.kind];
    return reason === undefined ? undefined : { opinion: 'Pending', reason };
  },
  inspectResponse: async (request, response, body, context) => {
    const asked = parseRepositoryPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const alone = headOnly(request, body);
    if (alone !== undefined) return alone;
    switch (asked.kind) {
      case 'ping':
        return readPing(body);
      case 'catalog':
        return readList(body, { key: 'repositories', what: 'repository', type: 'application/x.oci.catalog', isItem: isRepositoryName });
      case 'tags': {
        const opinion = await readList(body, { key: 'tags', what: 'tag', type: 'application/x.oci.tags', isItem: isTag });
        return { ...opinion, metadata: { ...opinion.metadata, name: asked.repository } };
      }
      case 'referrers':
        return readReferrers(body, response.header('content-type') ?? '', { asked, context });
      default:
        return undefined;
    }
  },
};

/** Registries answer with nothing, `{}`, `true` or a few words; none of it is used. */
async function readPing(body: InspectedBody): Promise<ResponseInspection> {
  const bytes = await body.read(pingLimit);
  if (bytes.toString('latin1').trim() !== '') parseBoundedJson(bytes);
  return { opinion: 'Approved', reason: 'valid answer of a registry to the version check', metadata: { type: 'application/x.oci.version-check' } };
}

interface ListForm {
  readonly key: string;
  readonly what: string;
  readonly type: string;
  readonly isItem: (text: string) => boolean;
}

async function readList(body: InspectedBody, { key, what, type, isItem }: ListForm): Promise<ResponseInspection> {
  const document = parseBoundedJson(await body.read(listLimit));
  // A repository without tags has `null`.
  const items = isRecord(document) ? (own(document, key) ?? []) : undefined;
  if (!Array.isArray(items)) throw refusal(`the answer is no list of the registry's API ("${key}")`);
  const bad = items.find((item) => typeof item !== 'string' || !isItem(item)) as unknown;
  if (bad !== undefined) throw refusal(`the list has ${JSON.stringify(bad).slice(0, 120)}, which is no ${what}`);
  return { opinion: 'Approved', reason: `valid list of the registry, ${items.length} ${what === 'tag' ? 'tags' : 'repositories'}`, metadata: { type } };
}

/** An index of manifests that are about the image, such as signatures and bills of materials. */
async function readReferrers(
  body: InspectedBody,
  contentType: string,
  { asked, context }: { asked: Extract<RepositoryPath, { kind: 'referrers' }>; context: InspectionContext },
): Promise<ResponseInspection> {
  const manifest = parseManifest(await body.read(manifestLimit), contentType);
  if (manifest.kind !== 'index') throw refusal('the answer is no list of what refers to an image');
  await rememberDescriptors(context, { digest: `sha256:${body.sha256}`, signedBy: '' }, manifest.descriptors);
  return {
    opinion: 'Approved',
    reason: `valid list of what refers to the image, ${manifest.descriptors.length} manifests`,
    metadata: { type: 'application/x.oci.referrers', name: asked.repository, version: asked.digest.text },
  };
}
