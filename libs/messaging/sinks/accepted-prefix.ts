import { errorMessage } from '../../errors/error-message.js';
import type { PublishResult } from '../message-sink.js';

/** Waits for the answer to every message; what was accepted behind one that was not counts as not accepted. */
export async function acceptedPrefix(answers: readonly Promise<unknown>[]): Promise<PublishResult> {
  const settled = await Promise.allSettled(answers);
  const failed = settled.findIndex(({ status }) => status === 'rejected');
  const answer = settled[failed];
  if (answer?.status !== 'rejected') return { accepted: settled.length };
  return { accepted: failed, failure: { reason: errorMessage(answer.reason) } };
}
