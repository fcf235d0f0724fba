import { gunzipSync } from 'node:zlib';
import { isRecord } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { rememberReleases } from './declared-release.js';
import { isHexClient } from './hex-client.js';
import { hexPurl } from './hex-id.js';
import { publicKeys, signerOf } from './public-keys.js';
import { countPackages, readPackage, readSigned } from './registry-messages.js';
import { parseRegistryPath, type RegistryPath } from './registry-path.js';

/** The largest document of the public repository, `/versions`, has some 3 MB packed. */
const packedLimit = 16 * 1024 * 1024;
const unpackedLimit = 64 * 1024 * 1024;

/** Registry documents of Hex repositories, see docs/reference/inspectors/hex.md. */
export const hexRegistryInspector: Inspector = {
  id: 'hex.registry',
  inspectRequest: (request) => (askedPath(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a document of a Hex repository' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedPath(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    // A server that calls the format's own gzip a content coding has it undone already.
    const bytes = await body.read(packedLimit);
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    // Other protocols have documents at …/packages/<name> as well.
    if (!packed && !isHexClient(request)) return undefined;
    const signed = readSigned(packed ? unpack(bytes) : bytes);
    const signer = checkSignature(signed, context);
    if (signer === undefined) return { opinion: 'Rejected', reason: 'the document of the Hex repository is not signed by a key of hex.public-key in the inspectors configuration' };
    const opinion = asked.kind === 'package' ? await judgePackage(signed.payload, asked, { request, context, signer }) : judgeList(signed.payload, asked.kind);
    const unchecked = signer === '' ? '; its signature was not checked, because no key is configured (hex.public-key)' : '';
    return { ...opinion, reason: opinion.reason + unchecked, metadata: { ...opinion.metadata, ...(signer === '' ? {} : { signedBy: signer }) } };
  },
};

/** The lists have names that anything may have, so who asks counts; a package may be consulted for, and its content tells. */
function askedPath(request: InspectedRequest): Exclude<RegistryPath, { kind: 'tarball' }> | undefined {
  const asked = request.method === 'GET' ? parseRegistryPath(request.path) : undefined;
  if (asked === undefined || asked.kind === 'tarball') return undefined;
  return asked.kind === 'package' || isHexClient(request) ? asked : undefined;
}

/** The signer, empty when there is no key to check with, undefined when it is none of them. */
function checkSignature(signed: { payload: Buffer; signature: Buffer }, { configuration }: InspectionContext): string | undefined {
  const keys = publicKeys(configuration);
  return keys.length === 0 ? '' : signerOf(signed, keys);
}

interface Exchange {
  readonly request: InspectedRequest;
  readonly context: InspectionContext;
  readonly signer: string;
}

async function judgePackage(payload: Buffer, asked: { name: string; base: string }, { request, context, signer }: Exchange): Promise<ResponseInspection> {
  const { repository, releases } = readPackage(payload, asked.name);
  context.signal?.throwIfAborted();
  const remembered = await rememberReleases(context.knowledge, asked.name, { index: request.origin + asked.base, releases, signedBy: signer });
  return {
    opinion: 'Approved',
    reason: 'valid document of a Hex package',
    annotations: { repository, releases: releases.length, remembered, retired: releases.filter(({ retired }) => retired).length },
    metadata: { type: 'application/x.hex.registry', name: asked.name, purl: hexPurl(asked.name) },
  };
}

function judgeList(payload: Buffer, kind: 'names' | 'versions'): ResponseInspection {
  return { opinion: 'Approved', reason: `valid list of ${kind} of a Hex repository`, annotations: { packages: countPackages(payload) }, metadata: { type: `application/x.hex.${kind}` } };
}

function unpack(packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: unpackedLimit });
  } catch (cause) {
    if (isRecord(cause) && cause['code'] === 'ERR_BUFFER_TOO_LARGE') throw limitExceeded(`the document of the Hex repository unpacks to more than ${unpackedLimit} bytes`);
    throw refusal('the document of the Hex repository is not a sound gzip file', cause);
  }
}
