import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { groupByOrigin, rememberDeclaredFiles } from '../declarations/declared-files.js';
import { explainTimeless } from '../declarations/publication-time.js';
import { isNpmClient } from './npm-client.js';
import { manifestMetadata } from './package-manifest.js';
import { npmPurl, packageNameOfPath } from './package-name.js';
import { readPackument, tarballLocations } from './packument.js';
import { hideYoungVersions } from './visible-packument.js';

/** Decoded bytes. Parsing is synchronous, about 50 ms a megabyte at worst, so this also bounds how long others wait. */
const packumentLimit = 64 * 1024 * 1024;
/** A document whose tarballs lie at more origins than this is not one of an honest registry. */
const maxOrigins = 8;

/** Package documents of the npm registry protocol, see docs/reference/inspectors/npm.md. */
export const npmPackumentInspector: Inspector = {
  id: 'npm.packument',
  inspectRequest: (request) => (asksForPackument(request) ? { opinion: 'Pending', reason: 'valid URL for an npm package document' } : undefined),
  upstreamAccept: (request, { visibleUntil }) => {
    const asked = packageNameOfPath(request.path);
    // Every client of the protocol reads the whole document as well, and only that has times.
    return asked === undefined || visibleUntil?.('npm', asked.name) === undefined ? undefined : 'application/json';
  },
  inspectResponse: async (request, response, body, context) => {
    const asked = packageNameOfPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (!namesItself(request) && response.header('content-type')?.includes('json') !== true) return undefined;
    const document = parseBoundedJson(await body.read(packumentLimit));
    // A request that says nothing of npm may be any other's.
    if (!namesItself(request) && !(isRecord(document) && own(document, 'name') === asked.name && isRecord(own(document, 'versions')))) return undefined;
    const versions = readPackument(document, asked.name, request.url);
    const groups = groupByOrigin(tarballLocations(versions, { origin: request.origin, basePath: asked.basePath }));
    if (groups.size > maxOrigins) return { opinion: 'Rejected', reason: `the package document spreads its tarballs over more than ${maxOrigins} origins` };
    const remembered = await rememberTarballs(groups, { name: asked.name, index: request.origin + request.path }, context);
    return {
      ...judgeVisibility(document, asked.name, context),
      annotations: { versions: versions.length, 'remembered-urls': remembered },
      metadata: {
        ...(isRecord(document) ? manifestMetadata(document) : {}),
        type: 'application/x.npm.packument',
        name: asked.name,
        purl: npmPurl(asked.name, ''),
      },
    };
  },
};

/** All versions are remembered, the hidden ones too: their tarballs are then refused for their age. */
async function rememberTarballs(
  groups: ReturnType<typeof groupByOrigin>,
  { name, index }: { name: string; index: string },
  { knowledge, signal }: InspectionContext,
): Promise<number> {
  let remembered = 0;
  for (const [origin, files] of groups) remembered += await rememberDeclaredFiles(knowledge, { family: 'npm', origin, name }, { index, files, signal });
  return remembered;
}

function judgeVisibility(document: unknown, name: string, { visibleUntil }: InspectionContext): ResponseInspection {
  const limit = visibleUntil?.('npm', name);
  const hidden = limit === undefined ? undefined : hideYoungVersions(document, limit);
  if (limit !== undefined && hidden === 'timeless')
    return { opinion: 'Rejected', reason: explainTimeless(`the package document of ${name}`, limit, 'use a registry that serves whole package documents') };
  const reason = 'valid npm package document';
  return hidden === undefined || hidden === 'timeless' ? { opinion: 'Approved', reason } : { opinion: 'Approved', reason: `${reason}; ${hidden.reason}`, replacement: hidden };
}

function asksForPackument(request: InspectedRequest): boolean {
  if (request.method !== 'GET' || request.path.endsWith('.tgz') || request.path.includes('/-/')) return false;
  return (namesItself(request) || isBareClient(request)) && packageNameOfPath(request.path) !== undefined;
}

/** Whether the request itself says that it is one for a package document. */
function namesItself(request: InspectedRequest): boolean {
  const accept = request.header('accept');
  if (accept?.includes('application/vnd.npm.install-v1+json') === true) return true;
  // A whole document is asked for as plain JSON, so the client must say that it speaks the protocol.
  return (accept === undefined || accept.includes('json') || accept.includes('*/*')) && isNpmClient(request);
}

/** Yarn from its second major version on sends the name of its HTTP library and nothing else; the answer then tells whether it is a document. */
function isBareClient(request: InspectedRequest): boolean {
  return request.header('accept') === undefined && request.query === '' && request.header('user-agent')?.startsWith('got (') === true;
}
