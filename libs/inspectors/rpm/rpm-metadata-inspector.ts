import type { Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { createClientView, isTrustworthy } from './client-view.js';
import { findMetadata, type Finding } from './declared-metadata.js';
import { readMetadata, type MetadataContents } from './read-metadata.js';
import { parseRepositoryPlace, requestUrl } from './repository-path.js';

/** Files of `repodata` that a repomd.xml declares, see docs/reference/inspectors/rpm.md. */
export const rpmMetadataInspector: Inspector = {
  id: 'rpm.metadata',
  inspectRequest: (request) => {
    const file = request.method === 'GET' ? parseRepositoryPlace(request)?.file : undefined;
    return file === undefined || file.startsWith('repomd.xml') ? undefined : { opinion: 'Pending', reason: 'valid URL for metadata of an RPM repository' };
  },
  inspectResponse: async (request, response, body, context) => {
    const place = parseRepositoryPlace(request);
    if (response.status !== 200 || place === undefined) return undefined;
    const view = createClientView(request, response, { body, signal: context.signal });
    const found = await findMetadata({ ...place, url: requestUrl(request), view }, context);
    const metadata = { type: 'application/x.rpm.metadata', name: found?.file.type ?? place.file };
    if (found === undefined) return { ...notDeclared, metadata };
    const refused = whyNot(found);
    if (refused !== undefined) return { ...refused, metadata };
    const contents = await readMetadata(view, found, context);
    const { repository, file } = found;
    return {
      opinion: 'Approved',
      reason: approval(file.checksum.algorithm, contents),
      annotations: { 'declared-by': `${repository.base}repodata/repomd.xml`, ...(contents.packages === undefined ? {} : { packages: contents.packages }) },
      metadata: { ...metadata, version: repository.revision, signedBy: repository.signedBy },
    };
  },
};

const notDeclared: ResponseInspection = {
  opinion: 'Unknown',
  reason: 'no repomd.xml of this session declares this file: its digest cannot be checked; let the client read the repository through the proxy (dnf does so with --refresh, or with an empty cachedir)',
};

function whyNot(found: Finding): ResponseInspection | undefined {
  const { file, repository } = found;
  const algorithm = file.checksum.algorithm.toUpperCase();
  if (!found.holds)
    return { opinion: 'Rejected', reason: `the ${algorithm} digest of the ${file.type} metadata is not the one that the repomd.xml of ${repository.base} declares` };
  if (isTrustworthy(file.checksum)) return undefined;
  return { opinion: 'Unknown', reason: 'the repomd.xml declares this file by MD5 only, which proves nothing; the repository has to be made anew (createrepo_c uses SHA-256)' };
}

function approval(algorithm: string, { read }: MetadataContents): string {
  const weak = algorithm === 'sha1' ? ' (by SHA-1, which is weak: the repository should be made anew)' : '';
  return read ? `valid repository metadata, as the repomd.xml declares them${weak}` : `the digest is the one that the repomd.xml declares${weak}; what is in the file was not looked at`;
}
