import type { ResponseInspection } from '../../inspection/inspector.js';
import { digestFile, digestsInHeader, findChecksums, rememberFile, type FileDigests } from './file-digests.js';
import type { FileExchange } from './file-exchange.js';
import { verifyFile } from './file-signature.js';
import { checksumAlgorithms } from './repository-path.js';

export interface FileClaim {
  /** For reasons: `POM`, `file`. */
  readonly noun: string;
  /** What the Gradle module metadata of its release say of it. */
  readonly module?: FileDigests;
}

/** An answer to HEAD brings nothing in. */
export const withoutBody: ResponseInspection = Object.freeze({ opinion: 'Approved', reason: 'an answer without a body' });

/** Strongest first. MD5 alone proves nothing: two files with the same one are made in seconds. */
const proving = ['sha512', 'sha256', 'sha1'] as const;

/**
 * Compares a file with every digest that the repository gave for it in this session, and asks for its checksum file when there was none
 * yet: Maven itself asks for that only after the file. Approved when one stronger than MD5 agrees, Rejected when any contradicts, Unknown
 * when there is none. A signature by a configured key is a proof as well. What is not Rejected is remembered for checksum files that come later.
 */
export async function judgeFile(exchange: FileExchange, claim: FileClaim): Promise<ResponseInspection> {
  const { request, response, body, context } = exchange;
  const actual = await digestFile(body, context);
  let checksums = await findChecksums(context.knowledge, request.origin, request.path);
  const proven = (): string | undefined => proving.find((algorithm) => claim.module?.[algorithm] !== undefined || checksums[algorithm] !== undefined);
  if (proven() === undefined) checksums = await consultChecksums(exchange);
  const problem =
    contradiction(actual, claim.module, (algorithm) => `the ${claim.noun}'s ${algorithm} digest is not the one that the Gradle module metadata of its release declare`) ??
    contradiction(actual, checksums, (algorithm) => `the ${claim.noun}'s ${algorithm} digest is not the one in its .${algorithm} file`) ??
    contradiction(actual, digestsInHeader(response), (algorithm) => `the ${claim.noun}'s ${algorithm} digest is not the one that the repository's answer names`);
  // Returned, not thrown: the report then names what was not in order.
  if (problem !== undefined) return { opinion: 'Rejected', reason: problem };
  const signature = await verifyFile(exchange);
  if (signature.kind === 'bad') return { opinion: 'Rejected', reason: `the ${claim.noun} is not what its .asc file signs: ${signature.reason}` };
  context.signal?.throwIfAborted();
  await rememberFile(context.knowledge, request, actual);
  const algorithm = proven();
  const signed = signature.kind === 'good' ? { metadata: { signedBy: signature.signedBy } } : {};
  if (algorithm === undefined && signature.kind === 'good') return { opinion: 'Approved', reason: `valid ${claim.noun}`, annotations: { 'checked-digest': 'none', 'declared-by': '.asc file' }, ...signed };
  if (algorithm === undefined) {
    return {
      opinion: 'Unknown',
      reason: `the ${claim.noun} is sound, but the repository has no .sha512, .sha256 or .sha1 file for it: its digest cannot be checked; have the repository make checksum files`,
    };
  }
  const declaredBy = claim.module !== undefined && algorithm in claim.module ? 'Gradle module metadata' : `.${algorithm} file`;
  return { opinion: 'Approved', reason: `valid ${claim.noun}`, annotations: { 'checked-digest': algorithm, 'declared-by': declaredBy }, ...signed };
}

function contradiction(actual: FileDigests, declared: FileDigests | undefined, reason: (algorithm: string) => string): string | undefined {
  const wrong = checksumAlgorithms.find((algorithm) => declared?.[algorithm] !== undefined && declared[algorithm] !== actual[algorithm]);
  return wrong === undefined ? undefined : reason(wrong);
}

/** SHA-256 first: most repositories have it when they have any but SHA-1, and asking in vain costs the build time. */
const consulted = ['sha256', 'sha512', 'sha1'] as const;

/** Has the proxy fetch a checksum file, SHA-1 only where there is nothing stronger; its inspector leaves the digest in the session's knowledge. */
async function consultChecksums({ request, context }: FileExchange): Promise<FileDigests> {
  const query = request.query === '' ? '' : `?${request.query}`;
  for (const algorithm of consulted) {
    context.signal?.throwIfAborted();
    if ((await context.consult?.(`${request.origin}${request.path}.${algorithm}${query}`)) === 'approved') break;
  }
  return findChecksums(context.knowledge, request.origin, request.path);
}
