import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createMessageDelivery, type MessageDelivery, type MessageDeliveryOptions } from './create-message-delivery.js';
import type { MessageSink } from './message-sink.js';
import { listenForMessages, type MessageWake } from './message-wake.js';
import { removeOldMessages } from './remove-old-messages.js';

export interface DeliverMessagesOptions extends MessageDeliveryOptions {
  readonly sinks: readonly MessageSink[];
  readonly signal: AbortSignal;
  /** Days that a message is kept for a sink that does not take it. */
  readonly retention?: number;
}

/** Milliseconds. */
const longestWait = 1000;
const sweepInterval = 60_000;

/**
 * Delivers messages until the signal aborts, each sink at its own pace; resolves when what was under way has ended and the connections are
 * closed. Several workers may run it: one at a time delivers to a sink. A database that is away is waited for.
 */
export async function deliverMessages(options: DeliverMessagesOptions): Promise<void> {
  const { sinks, signal, database, log } = options;
  const delivery = createMessageDelivery(options);
  const wake = sinks.length === 0 ? undefined : listenForMessages(database.url, signal);
  await Promise.all([
    ...(wake === undefined ? [] : sinks.map((sink) => deliverTo(sink, { delivery, wake, log, signal }))),
    sweep(delivery, options),
  ]);
}

async function deliverTo(sink: MessageSink, { delivery, wake, log, signal }: { delivery: MessageDelivery; wake: MessageWake; log: Logger; signal: AbortSignal }): Promise<void> {
  const trouble = createTroubleLog(log, sink.name);
  let registered = false;
  while (!signal.aborted) {
    const seen = wake.count();
    try {
      if (!registered) await delivery.register(sink);
      registered = true;
      const more = await delivery.deliver(sink, signal);
      trouble.over();
      if (!more) await wake.wait(seen, longestWait, signal);
    } catch (error) {
      trouble.failed(error);
      await pause(longestWait, undefined, { signal }).catch(() => undefined);
    }
  }
  await sink.close();
}

async function sweep(delivery: MessageDelivery, { sinks, signal, database, log, retention = 7 }: DeliverMessagesOptions): Promise<void> {
  const trouble = createTroubleLog(log, undefined);
  while (!signal.aborted) {
    try {
      // Also the sign of life that keeps a sink from being forgotten.
      for (const sink of sinks) await delivery.register(sink);
      const { lost } = await removeOldMessages(database, { retention });
      for (const { sink, messages } of lost) log.error({ task: 'messages', sink, messages, retention }, 'removed messages that were too old before this sink had taken them');
      trouble.over();
    } catch (error) {
      trouble.failed(error);
    }
    await pause(sweepInterval, undefined, { signal }).catch(() => undefined);
  }
}

/** Says when trouble begins and when it is over, not every second in between. */
function createTroubleLog(log: Logger, sink: string | undefined) {
  let failing = false;
  return {
    failed(error: unknown): void {
      if (!failing) log.warn({ task: 'messages', sink, err: error }, 'failed; trying again until it works');
      failing = true;
    },
    over(): void {
      if (failing) log.info({ task: 'messages', sink }, 'works again');
      failing = false;
    },
  };
}
