import { Context } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';

/** Milliseconds; well under the heartbeat timeout of every workflow, so that a worker that died is noticed soon. */
const heartbeatInterval = 3000;

/** Runs an activity with a heartbeat; what it throws becomes the failure that `asFailure` makes of it. What nobody expects is logged whole. */
export async function performed<T>(work: () => Promise<T>, asFailure: (error: unknown) => ApplicationFailure): Promise<T> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(), heartbeatInterval);
  try {
    return await work();
  } catch (error) {
    const failure = asFailure(error);
    if (failure.type === 'internal') context.log.error('an activity failed unexpectedly', { error });
    throw failure;
  } finally {
    clearInterval(heartbeat);
  }
}
