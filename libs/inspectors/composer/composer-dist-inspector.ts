import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { digestBody } from '../declarations/integrity.js';
import { isComposerClient } from './composer-client.js';
import { findDist, type DistDeclaration } from './declared-dist.js';
import { readDist, type DistArchive } from './dist-archive.js';
import { composerPurl } from './package-name.js';
import { parseRepositoryPath } from './repository-path.js';

const commitId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Archives of Composer packages, see docs/reference/inspectors/composer.md. */
export const composerDistInspector: Inspector = {
  id: 'composer.dist',
  // A dist may have any URL; what is no document of a repository is one, when Composer asks.
  inspectRequest: (request) =>
    request.method === 'GET' && isComposerClient(request) && parseRepositoryPath(request.path) === undefined
      ? { opinion: 'Pending', reason: 'valid URL for the archive of a Composer package' }
      : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const dist = await readDist(body, response, context);
    if (dist === undefined) return { opinion: 'Unknown', reason: 'what Composer fetched is neither a zip nor a gzip tar archive, the kinds of dist that can be checked' };
    const { opinion, declared } = await judge(dist, { request, body, context });
    const version = declared?.version ?? '';
    return {
      ...opinion,
      metadata: {
        ...dist.metadata,
        type: 'application/x.composer.package',
        name: dist.name,
        version,
        ...(dist.name === '' ? {} : { purl: composerPurl(dist.name, version) }),
        ...publication(declared?.time ?? ''),
      },
    };
  },
};

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

interface Judgement {
  readonly opinion: ResponseInspection;
  readonly declared?: DistDeclaration;
}

async function judge(dist: DistArchive, { request, body, context }: Subject): Promise<Judgement> {
  const sha1 = await digestBody(body, 'sha1', context);
  const declarations = await findDist({ name: dist.name, sha1, request }, context);
  const [declared] = declarations;
  if (declared === undefined) return { opinion: { opinion: 'Unknown', reason: undeclared(dist.name) } };
  const summed = declarations.filter(({ shasum }) => shasum !== '');
  if (summed.some(({ shasum }) => shasum !== sha1))
    return { declared, opinion: { opinion: 'Rejected', reason: "the dist's SHA-1 checksum is not the one that the repository declares" } };
  if (summed.length > 0)
    return { declared, opinion: { opinion: 'Approved', reason: 'valid Composer package', annotations: { 'declared-by': summed.map(({ index }) => index), 'checked-digest': 'sha1' } } };
  return { declared, opinion: judgeByCommit(dist, declared, { request, context }) };
}

function undeclared(name: string): string {
  const what = name === '' ? 'this archive (it has no composer.json)' : name;
  return `the archive is sound, but no repository metadata of this session declares it for ${what}: composer install with a lock file asks for none; let composer update read the repository through the proxy, or name it in inspectors-configuration as composer.metadata-urls`;
}

/**
 * Without a checksum the only word of a repository on the content is the commit, and the archive's own word that it is of it. Whoever
 * changes the archive can keep that: so it counts only where the operator trusts the origin that serves the archive.
 */
function judgeByCommit(dist: DistArchive, declared: DistDeclaration, { request, context }: Pick<Subject, 'request' | 'context'>): ResponseInspection {
  const trusted = commitOrigins(context).includes(request.origin);
  if (dist.commit !== '' && commitId.test(declared.reference) && dist.commit !== declared.reference)
    return { opinion: 'Rejected', reason: `the archive says that it is of the commit ${dist.commit}, but the repository declares ${declared.reference}` };
  const annotations = { 'declared-by': [declared.index], commit: dist.commit };
  if (trusted && dist.commit !== '' && dist.commit === declared.reference)
    return { opinion: 'Approved', reason: 'valid Composer package by the commit that its archive names, at an origin that the configuration trusts; no checksum is declared', annotations };
  return {
    opinion: 'Unknown',
    reason:
      'the repository declares no checksum for this archive, only a commit, so its content cannot be checked; use a repository that gives dist.shasum (one that stores the archives itself), or trust this origin in inspectors-configuration as composer.commit-origins',
    annotations,
  };
}

/** `{"composer": {"commit-origins": ["https://forge.example"]}}` in the form of `InspectedRequest.origin`. */
function commitOrigins({ configuration }: InspectionContext): readonly string[] {
  const composer = own(configuration, 'composer');
  const origins = isRecord(composer) ? own(composer, 'commit-origins') : undefined;
  return (Array.isArray(origins) ? origins : []).flatMap((origin) => (typeof origin === 'string' ? (parseDeclaredUrl(origin)?.origin ?? []) : []));
}

function publication(time: string): { readonly published?: string } {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? {} : { published: new Date(milliseconds).toISOString() };
}
