import type { BlobReference, EntryName } from '../../../../libs/cache/cache-entry.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { GetActionResultRequest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ActionResult } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { readActionResult } from '../../../../libs/remote-apis/read-action-result.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { digestFunctionOf } from '../wire-digest.js';
import { actionName } from './action-name.js';
import { inlineOutputs } from './inline-outputs.js';

/** A result whose blobs are all there, and stay for the instance's lease; else `entry-not-found`. */
export async function getActionResult({ cache, access }: CacheContext, request: GetActionResultRequest, call: CacheCall): Promise<ActionResult> {
  const name = actionName(cache.instance(request.instanceName).name, request);
  access.demand(call.caller, 'pull', name.instance, name);
  const entry = await cache.findEntry(name, { signal: call.signal });
  if (entry?.value === undefined || isOther(entry.value, entry.references)) throw notFound(name);
  access.took(call.caller, name, 'pulled');
  const result = ActionResult.decode(entry.value);
  return inlineOutputs(result, { request, cache, instance: name.instance, digests: digestFunctionOf(request.digestFunction), signal: call.signal });
}

/** What clients of HTTP caches keep under the hash of an action may be anything: nobody knows which blobs it needs. */
function isOther(value: Buffer, references: readonly BlobReference[]): boolean {
  return references.length === 0 && readActionResult(value) === undefined;
}

function notFound({ key, instance }: EntryName): MillraceError {
  return new MillraceError('entry-not-found', `no result of the action ${key} in "${instance}", or not all that it needs`);
}
