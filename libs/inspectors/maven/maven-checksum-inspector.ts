import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { lastSegment } from '../declarations/declared-url.js';
import { checksumFileLimit, parseChecksumFile } from './checksum-file.js';
import { findFile, rememberChecksum } from './file-digests.js';
import { withoutBody } from './judge-file.js';
import { parseMetadataPath, parseSidecarPath, type ChecksumAlgorithm } from './repository-path.js';

/** Checksum files (`.sha512`, `.sha256`, `.sha1`, `.md5`) of repositories, see docs/reference/inspectors/maven.md. */
export const mavenChecksumInspector: Inspector = {
  id: 'maven.checksum',
  inspectRequest: (request) => (checksumOf(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a checksum file' }),
  inspectResponse: async (request, response, body, { knowledge }) => {
    const asked = checksumOf(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const name = lastSegment(asked.subject) ?? '';
    const digest = parseChecksumFile(await body.read(checksumFileLimit), asked.algorithm, name);
    const metadata = { type: 'application/x.maven.checksum', name };
    const file = await findFile(knowledge, request.origin, asked.subject);
    const known = file?.[asked.algorithm];
    if (known !== undefined && known !== digest) {
      return { opinion: 'Rejected', reason: `the .${asked.algorithm} file contradicts the file ${name.slice(0, 200)} that this session was given: one of the two was changed`, metadata };
    }
    // Metadata change while a session lasts: their checksum files tell only of what came before them.
    if (parseMetadataPath(asked.subject) === undefined) await rememberChecksum(knowledge, request.origin, { ...asked, digest });
    return { opinion: 'Approved', reason: known === undefined ? 'valid checksum file, its file has not come yet' : 'valid checksum file, its file agrees', metadata };
  },
};

function checksumOf({ method, path }: InspectedRequest): { readonly subject: string; readonly algorithm: ChecksumAlgorithm } | undefined {
  const sidecar = method === 'GET' || method === 'HEAD' ? parseSidecarPath(path) : undefined;
  return sidecar === undefined || sidecar.kind === 'asc' ? undefined : { subject: sidecar.subject, algorithm: sidecar.kind };
}
