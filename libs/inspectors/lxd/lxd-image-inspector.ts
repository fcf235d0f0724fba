import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { lastSegment } from '../declarations/declared-url.js';
import { randomAccessTo } from '../snap/random-access.js';
import { isSquashfs, readSuperblock } from '../snap/squashfs.js';
import { findItems, type DeclaredItem } from './declared-items.js';
import { readImageMetadata } from './image-metadata.js';

/** Names of the files that images have in simple streams. */
const filePattern =
  /(?:^|[-_.])(?:lxd(?:_combined)?\.tar\.(?:xz|gz)|incus\.tar\.xz|root(?:fs)?\.(?:tar\.(?:xz|gz)|squashfs)|squashfs|disk\d?\.img|disk-kvm\.img|uefi1?\.img|disk\.qcow2|vcdiff)$/;
const metadataPattern = /(?:^|[-_.])(?:lxd|incus)\.tar\.xz$/;

/** Files of LXD images; see docs/reference/inspectors/lxd.md. */
export const lxdImageInspector: Inspector = {
  id: 'lxd.simple-streams.download',
  inspectRequest: (request) =>
    request.method === 'GET' && filePattern.test(lastSegment(request.path) ?? '')
      ? { opinion: 'Pending', reason: 'valid URL for a file of an image' }
      : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const declared = await findItems(context.knowledge, request.origin, request.path);
    const [first] = declared;
    if (first === undefined) {
      return {
        opinion: 'Unknown',
        reason:
          'no list of products of this session declares this file of an image, so its digest cannot be checked: let the client fetch streams/v1/index.json and the lists that it names through the proxy',
      };
    }
    const isMetadata = metadataPattern.test(lastSegment(request.path) ?? '');
    const base = {
      type: isMetadata ? 'application/x.canonical.lxd-metadata' : 'application/x.canonical.lxd-rootfs',
      name: first.product,
      version: first.version,
      description: first.title,
      architecture: first.architecture,
    };
    const problem = await contradiction(declared, { response, body, context });
    if (problem !== undefined) return { opinion: 'Rejected', reason: problem, metadata: base };
    const metadata = isMetadata ? await readImageMetadata(body, context) : undefined;
    if (isSquashfs(body.head)) await readSuperblock({ ...randomAccessTo(body.head), size: body.size });
    return approve(declared, { ...base, ...(metadata?.description ? { description: metadata.description } : {}) }, request);
  },
};

function approve(declared: readonly DeclaredItem[], metadata: NonNullable<ResponseInspection['metadata']>, request: InspectedRequest): ResponseInspection {
  return {
    opinion: 'Approved',
    reason: 'valid file of an image, a list of products declares its digest',
    annotations: { 'declared-by': declared.map(({ index }) => index), 'file-type': declared[0]?.fileType ?? '', file: lastSegment(request.path) ?? '' },
    metadata,
  };
}

/** How the file differs from what a list of products says. */
async function contradiction(
  declared: readonly DeclaredItem[],
  { response, body, context }: { response: InspectedResponse; body: InspectedBody; context: InspectionContext },
): Promise<string | undefined> {
  const isCoded = (response.header('content-encoding') ?? '').trim() !== '';
  const sha256 = isCoded ? await digestBody(body, 'sha256', context) : body.sha256;
  if (declared.some((item) => item.sha256 !== sha256))
    return 'the SHA-256 digest of the file is not the one that the list of products declares: it was changed, or the mirror is being updated';
  const size = declared.find((item) => !isCoded && item.size !== body.size)?.size;
  return size === undefined ? undefined : `the file has ${body.size} bytes, but the list of products declares ${size}`;
}
