import { createHash } from 'node:crypto';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { findDigests, findSnap, type DeclaredSnap } from './declared-snaps.js';
import { judgeSnap } from './judge-snap.js';
import { withRandomAccess } from './random-access.js';
import { parseSnapYaml, snapYamlLimit, type SnapYaml } from './snap-yaml.js';
import { isReadable } from './squashfs-blocks.js';
import { isSquashfs, readSquashfsFile, readSuperblock } from './squashfs.js';

/** Snaps, see docs/reference/inspectors/snap.md. */
export const snapPackageInspector: Inspector = {
  id: 'snap',
  inspectRequest: (request) =>
    request.method === 'GET' && request.path.endsWith('.snap') ? { opinion: 'Pending', reason: 'valid URL for a snap' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    if ((response.header('content-encoding') ?? '').trim() !== '') throw refusal('the snap comes under a content coding, which stores do not use');
    const digest = await digestOf(body, context);
    const problem = await checkUrl(request, digest, context);
    // Other things have this ending too (snapshots of test runners): others judge those.
    if (!isSquashfs(body.head)) return problem ?? { opinion: 'Unknown', reason: 'the file is no snap: it is no squashfs image' };
    const { yaml, compressor } = await readSnap(body);
    const declared = await findSnap(context.knowledge, digest);
    const opinion = problem ?? (await judgeSnap({ yaml, digest, size: body.size, declared }, context));
    return {
      ...opinion,
      annotations: {
        ...opinion.annotations,
        'sha3-384': digest,
        compressor,
        ...(declared === undefined ? {} : { revision: declared.revision, 'snap-id': declared.snapId }),
      },
      metadata: { ...describe(yaml, declared), ...opinion.metadata },
    };
  },
};

/** What the snap says of itself. Images by compressors that cannot be read here (lzo, lz4) say nothing: their digest still identifies them. */
async function readSnap(body: InspectedBody): Promise<{ yaml: SnapYaml | undefined; compressor: string }> {
  return withRandomAccess(body, async (access) => {
    const superblock = await readSuperblock(access);
    const { compressor } = superblock;
    if (!isReadable(compressor)) return { yaml: undefined, compressor };
    return { yaml: parseSnapYaml(await readSquashfsFile(access, superblock, { path: ['meta', 'snap.yaml'], limit: snapYamlLimit })), compressor };
  });
}

async function digestOf(body: InspectedBody, context: InspectionContext): Promise<string> {
  const hash = createHash('sha3-384');
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

/** A refusal when the store gave the URL to another file. */
async function checkUrl(request: InspectedRequest, digest: string, context: InspectionContext): Promise<ResponseInspection | undefined> {
  const expected = await findDigests(context.knowledge, request.url);
  if (expected.length === 0 || expected.includes(digest)) return undefined;
  return {
    opinion: 'Rejected',
    reason: "the snap's SHA3-384 digest is not the one that the store declares for its URL: it was changed, or the store is broken",
  };
}

function describe(yaml: SnapYaml | undefined, declared: DeclaredSnap | undefined): Partial<ArtefactMetadata> {
  const name = yaml?.name ?? declared?.name ?? '';
  const version = yaml?.version ?? declared?.version ?? '';
  const licence = yaml?.license || declared?.license || '';
  const created = declared?.created ?? '';
  return {
    type: 'application/x.canonical.snap-package',
    name,
    version,
    vendor: declared?.publisher ?? '',
    description: yaml?.summary || declared?.summary || '',
    license: licence === '' ? '' : spdxLicense(licence),
    architecture: yaml?.architectures.join(' ') || declared?.architecture || '',
    // Not of the package URL specification, which has no type for snaps: the generic one, with the revision to tell builds apart.
    purl: name === '' ? '' : `pkg:generic/${name}@${encodeURIComponent(version)}`,
    published: Number.isNaN(Date.parse(created)) ? '' : new Date(created).toISOString(),
  };
}
