import type { ArtifactCache } from '../../../../libs/cache-engine/artifact-cache.js';
import type { DigestFunction } from '../../../../libs/cache/cache-digest.js';
import type { ActionResult, Digest, GetActionResultRequest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { demandDigest } from '../wire-digest.js';

/** Bytes of all that is put into one result; what does not fit is read by its digest. */
const inlineBytes = 1024 * 1024;

interface Inlining {
  readonly request: GetActionResultRequest;
  readonly cache: ArtifactCache;
  readonly instance: string;
  readonly digests: DigestFunction;
  readonly signal: AbortSignal;
}

/** Something of the result that could hold the content of its digest. */
interface Slot {
  readonly digest: Digest;
  readonly fill: (content: Buffer) => void;
}

/** Puts in what the client asked for, while it is small; what is in the result already stays. */
export async function inlineOutputs(result: ActionResult, { request, cache, instance, digests, signal }: Inlining): Promise<ActionResult> {
  const filled = { ...result, outputFiles: result.outputFiles.map((file) => ({ ...file })) };
  const slots = slotsThatFit(wantedSlots(filled, request));
  if (slots.length === 0) return result;
  const contents = await cache.readBlobs(instance, slots.map(({ digest }) => demandDigest(digest, { digests, what: 'an output' })), { signal });
  slots.forEach(({ fill }, index) => {
    const content = contents[index];
    if (content !== undefined) fill(content);
  });
  return filled;
}

function wantedSlots(result: ActionResult, request: GetActionResultRequest): readonly Slot[] {
  const slots: Slot[] = [];
  const want = (digest: Digest | undefined, present: Buffer, fill: Slot['fill']): void => {
    if (digest !== undefined && digest.sizeBytes > 0 && present.length === 0) slots.push({ digest, fill });
  };
  if (request.inlineStdout) want(result.stdoutDigest, result.stdoutRaw, (content) => void (result.stdoutRaw = content));
  if (request.inlineStderr) want(result.stderrDigest, result.stderrRaw, (content) => void (result.stderrRaw = content));
  const paths = new Set(request.inlineOutputFiles);
  for (const file of result.outputFiles) {
    if (paths.has(file.path)) want(file.digest, file.contents, (content) => void (file.contents = content));
  }
  return slots;
}

function slotsThatFit(slots: readonly Slot[]): readonly Slot[] {
  let room = inlineBytes;
  return slots.filter(({ digest }) => {
    if (digest.sizeBytes > room) return false;
    room -= digest.sizeBytes;
    return true;
  });
}
