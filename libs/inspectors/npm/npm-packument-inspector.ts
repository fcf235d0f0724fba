import { isRecord, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { groupByOrigin, rememberDeclaredFiles } from '../declarations/declared-files.js';
import { isNpmClient } from './npm-client.js';
import { manifestMetadata } from './package-manifest.js';
import { npmPurl, packageNameOfPath } from './package-name.js';
import { readPackument, tarballLocations } from './packument.js';

/** Decoded bytes. Parsing is synchronous, about 50 ms a megabyte at worst, so this also bounds how long others wait. */
const packumentLimit = 64 * 1024 * 1024;
/** A document whose tarballs lie at more origins than this is not one of an honest registry. */
const maxOrigins = 8;

/** Package documents of the npm registry protocol, see docs/reference/inspectors/npm.md. */
export const npmPackumentInspector: Inspector = {
  id: 'npm.packument',
  inspectRequest: (request) => (asksForPackument(request) ? { opinion: 'Pending', reason: 'valid URL for an npm package document' } : undefined),
  inspectResponse: async (request, response, body, { knowledge }) => {
    const asked = packageNameOfPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const document = parseBoundedJson(await body.read(packumentLimit));
    const versions = readPackument(document, asked.name, request.url);
    const groups = groupByOrigin(tarballLocations(versions, { origin: request.origin, basePath: asked.basePath }));
    if (groups.size > maxOrigins) return { opinion: 'Rejected', reason: `the package document spreads its tarballs over more than ${maxOrigins} origins` };
    let remembered = 0;
    for (const [origin, files] of groups)
      remembered += await rememberDeclaredFiles(knowledge, { family: 'npm', origin, name: asked.name }, { index: request.origin + request.path, files });
    return {
      opinion: 'Approved',
      reason: 'valid npm package document',
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

function asksForPackument(request: InspectedRequest): boolean {
  if (request.method !== 'GET' || request.path.endsWith('.tgz') || request.path.includes('/-/')) return false;
  const accept = request.header('accept');
  const abbreviated = accept?.includes('application/vnd.npm.install-v1+json') === true;
  // A whole document is asked for as plain JSON, so the client must say that it speaks the protocol.
  if (!abbreviated && !((accept === undefined || accept.includes('json') || accept.includes('*/*')) && isNpmClient(request))) return false;
  return packageNameOfPath(request.path) !== undefined;
}
