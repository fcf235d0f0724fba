import { readSignature } from 'openpgp';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { lastSegment } from '../declarations/declared-url.js';
import { digestFile, rememberFile } from './file-digests.js';
import { rememberSignature } from './file-signature.js';
import { withoutBody } from './judge-file.js';
import { parseSidecarPath } from './repository-path.js';

/** Bytes; signatures of several people have some 4 kB. */
const signatureLimit = 64 * 1024;

/** Signatures (`.asc`) of files of a repository, see docs/reference/inspectors/maven.md. */
export const mavenSignatureInspector: Inspector = {
  id: 'maven.signature',
  inspectRequest: (request) => (subjectOf(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for the signature of a file of a Maven repository' }),
  inspectResponse: async (request, response, body, context) => {
    const subject = subjectOf(request);
    if (response.status !== 200 || subject === undefined) return undefined;
    if (request.method === 'HEAD' && body.size === 0) return withoutBody;
    const armored = (await body.read(signatureLimit)).toString('latin1');
    const issuers = await readIssuers(armored);
    await rememberSignature(context.knowledge, request.origin, subject, armored);
    await rememberFile(context.knowledge, request, await digestFile(body, context));
    return { opinion: 'Approved', reason: 'valid OpenPGP signature file', annotations: { issuers }, metadata: { type: 'application/pgp-signature', name: lastSegment(subject) ?? '' } };
  },
};

function subjectOf({ method, path }: InspectedRequest): string | undefined {
  const sidecar = method === 'GET' || method === 'HEAD' ? parseSidecarPath(path) : undefined;
  return sidecar?.kind === 'asc' ? sidecar.subject : undefined;
}

/** Key ids in upper-case hex. Verified is it with its file, see `verifyFile`. */
async function readIssuers(armored: string): Promise<string[]> {
  let issuers: string[];
  try {
    const signature = await readSignature({ armoredSignature: armored });
    issuers = signature.getSigningKeyIDs().map((id) => id.toHex().toUpperCase());
  } catch (cause) {
    throw refusal('the .asc file is no OpenPGP signature', cause);
  }
  if (issuers.length === 0) throw refusal('the .asc file is no OpenPGP signature');
  return issuers.slice(0, 16);
}
