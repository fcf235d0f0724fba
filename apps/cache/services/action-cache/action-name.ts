import type { EntryName } from '../../../../libs/cache/cache-entry.js';
import { digestText } from '../../../../libs/cache/cache-digest.js';
import type { Digest, DigestFunction_Value } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { demandDigest, digestFunctionOf } from '../wire-digest.js';

/** Errors: `invalid-request`. */
export function actionName(instance: string, { actionDigest, digestFunction }: { readonly actionDigest?: Digest | undefined; readonly digestFunction: DigestFunction_Value }): EntryName {
  const digest = demandDigest(actionDigest, { digests: digestFunctionOf(digestFunction), what: 'the digest of the action' });
  return { instance, kind: 'action', key: digestText(digest), qualifiers: {} };
}
