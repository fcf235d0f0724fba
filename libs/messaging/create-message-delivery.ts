import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database } from '../database/open-database.js';
import { errorMessage } from '../errors/error-message.js';
import type { MessageSink, PublishResult } from './message-sink.js';
import { orderMessages } from './order-messages.js';
import { createSinkPositions, type OrderedMessage, type SinkClaim } from './sink-positions.js';

export interface MessageDeliveryOptions {
  readonly database: Database;
  readonly log: Logger;
  /** Seconds: how soon another worker takes over from one that died in the middle. */
  readonly lease?: number;
  /** Seconds that one call of a sink may take; less than the lease. */
  readonly patience?: number;
  /** Seconds from the first failure of a sink to the next try; each further pause is twice as long, up to a minute. */
  readonly firstPause?: number;
}

export interface MessageDelivery {
  /** Makes the sink known to the record, from which moment messages are kept for it. */
  register(sink: MessageSink): Promise<void>;
  /**
   * One round: claims the sink, publishes what is next, notes it. Resolves to whether there may be more to do at once. Rejects when the
   * database is away; what was published and not noted is then published again. When `stopping` aborts, what is under way has two seconds more.
   */
  deliver(sink: MessageSink, stopping?: AbortSignal): Promise<boolean>;
}

/** How often a message is sent that the other side refuses for good: a receiver may be deployed wrongly for a moment. */
const refusalsBeforeSkip = 5;
/** Milliseconds. */
const stopGrace = 2000;

export function createMessageDelivery({ database, log, lease = 30, patience = 20, firstPause = 0.5 }: MessageDeliveryOptions): MessageDelivery {
  const positions = createSinkPositions(database, { owner: randomUUID(), lease, firstPause });

  async function deliver(sink: MessageSink, stopping?: AbortSignal): Promise<boolean> {
    await orderMessages(database);
    const claim = await positions.claim(sink.name);
    if (claim === undefined) return false;
    const waiting = await positions.read(claim.deliveredPosition, sink.batch + 1);
    const messages = ofDifferentStreams(waiting.slice(0, sink.batch));
    const result = await publish(sink, messages, { patience, stopping });
    const last = messages[result.accepted - 1];
    if (last !== undefined) {
      if (!(await positions.delivered(sink.name, last.position, result.accepted))) return false;
      if (claim.attempts > 0) log.info({ task: 'messages', sink: sink.name, attempts: claim.attempts }, 'works again');
    }
    if (result.failure !== undefined && stopping?.aborted === true) return giveBack(sink);
    if (result.failure !== undefined) return fail(sink, { claim, result, message: messages[result.accepted] });
    if (waiting.length > messages.length) return true;
    await positions.release(sink.name);
    return false;
  }

  /** What it says when it is cut off is not its fault. */
  async function giveBack(sink: MessageSink): Promise<false> {
    await sink.close();
    await positions.release(sink.name);
    return false;
  }

  async function fail(sink: MessageSink, { claim, result, message }: { claim: SinkClaim; result: PublishResult; message: OrderedMessage | undefined }): Promise<boolean> {
    const failure = result.failure ?? { reason: 'unknown' };
    const fields = { task: 'messages', sink: sink.name, reason: failure.reason };
    const before = result.accepted > 0 ? { attempts: 0, refusals: 0 } : claim;
    if (failure.refused === true && message !== undefined && before.refusals + 1 >= refusalsBeforeSkip) {
      await positions.skipped(sink.name, message.position, failure.reason);
      log.error({ ...fields, messageId: message.messageId, streamId: message.streamId }, 'the receiver refuses this message for good; going on with the next');
      return true;
    }
    if (before.attempts === 0) log.warn(fields, 'cannot deliver messages; trying again until it works');
    await sink.close();
    await positions.failed(sink.name, failure);
    return false;
  }

  return { register: (sink) => positions.register(sink), deliver };
}

/**
 * The first messages, up to the second of a stream: a broker that takes the second and not the first would otherwise see them in the wrong
 * order after the repetition.
 */
function ofDifferentStreams(messages: readonly OrderedMessage[]): readonly OrderedMessage[] {
  const streams = new Set<string>();
  for (const [index, { streamId }] of messages.entries()) {
    if (streams.has(streamId)) return messages.slice(0, index);
    streams.add(streamId);
  }
  return messages;
}

/** Never rejects, and never takes much longer than `patience` seconds, whatever the sink does. */
async function publish(sink: MessageSink, messages: readonly OrderedMessage[], { patience, stopping }: { readonly patience: number; readonly stopping: AbortSignal | undefined }): Promise<PublishResult> {
  const abort = new AbortController();
  const { promise, resolve } = Promise.withResolvers<PublishResult>();
  const giveUp = (reason: string): void => {
    resolve({ accepted: 0, failure: { reason } });
    abort.abort();
  };
  const timer = setTimeout(giveUp, patience * 1000, `no answer within ${patience} s`);
  let lastTimer: NodeJS.Timeout | undefined;
  const onStop = (): void => {
    lastTimer = setTimeout(giveUp, stopGrace, 'the worker was stopped');
  };
  if (stopping?.aborted === true) onStop();
  else stopping?.addEventListener('abort', onStop, { once: true });
  try {
    return await Promise.race([promise, sink.publish(messages, abort.signal)]);
  } catch (error) {
    return { accepted: 0, failure: { reason: errorMessage(error) } };
  } finally {
    stopping?.removeEventListener('abort', onStop);
    clearTimeout(lastTimer);
    clearTimeout(timer);
  }
}
