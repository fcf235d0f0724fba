import { patienceToBegin } from '../../../../libs/cache-access/cache-rates.js';
import { MillraceError } from '../../../../libs/errors/millrace-error.js';
import type { UpdateActionResultRequest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ActionResult } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheCall } from '../../server/cache-call.js';
import { digestFunctionOf } from '../wire-digest.js';
import { actionName } from './action-name.js';
import { actionReferences } from './action-references.js';

/** What the record keeps of one entry. */
const resultBytes = 4 * 1024 * 1024;

/** Its blobs need not be there yet: the result is found when they are. */
export async function updateActionResult({ cache, access }: CacheContext, request: UpdateActionResultRequest, call: CacheCall): Promise<ActionResult> {
  const name = actionName(cache.instance(request.instanceName).name, request);
  access.demand(call.caller, 'push', name.instance, name);
  const result = request.actionResult;
  if (result === undefined) throw new MillraceError('invalid-request', 'the result of the action is missing');
  const references = actionReferences(result, digestFunctionOf(request.digestFunction));
  const value = Buffer.from(ActionResult.encode(result).finish());
  if (value.length > resultBytes) throw new MillraceError('payload-too-large', `a result of ${value.length} bytes: at most ${resultBytes}`, { suggestion: 'Push large outputs as blobs, not inside the result.' });
  await access.count(call.caller, name.instance, value.length, { signal: call.signal, patience: patienceToBegin });
  await cache.putEntry({ ...name, target: undefined, value, references, properties: {}, expiresAt: undefined, origin: call.origin }, call.push);
  access.took(call.caller, name, 'pushed');
  return result;
}
