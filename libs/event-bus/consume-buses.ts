import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { errorMessage } from '../errors/error-message.js';
import type { BusConsumer } from './bus-consumer.js';
import type { MessageIntake } from './message-intake.js';

export interface ConsumeBusesOptions {
  readonly consumers: readonly BusConsumer[];
  readonly intake: MessageIntake;
  /** Resolves when the record answers; rejects when it does not. */
  readonly record: () => Promise<unknown>;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds from the first failure to the next try; each further pause is twice as long, up to half a minute. */
  readonly firstPause?: number;
}

const longestPause = 30_000;

/**
 * Takes messages from all buses until the signal aborts; resolves when the connections are closed. A broker that is away is waited for; while the
 * record is away nobody connects, because each message given back counts as a failed delivery with some brokers. Several workers may run
 * it on the same queues.
 */
export async function consumeBuses(options: ConsumeBusesOptions): Promise<void> {
  await Promise.all(options.consumers.map((consumer) => consumeBus(consumer, options)));
}

async function consumeBus(consumer: BusConsumer, { intake, record, log, signal, firstPause = 500 }: ConsumeBusesOptions): Promise<void> {
  const fields = { task: 'bus', bus: consumer.name };
  let failures = 0;
  let told = '';
  const onConsuming = (): void => {
    log.info({ ...fields, type: consumer.type }, failures === 0 ? 'taking messages' : 'taking messages again');
    failures = 0;
    told = '';
  };
  while (!signal.aborted) {
    try {
      await record();
      await consumer.consume({ take: (raw) => intake.take(raw, { signal }), onConsuming, signal });
    } catch (error) {
      if (signal.aborted) return;
      const reason = errorMessage(error);
      if (reason !== told) log.warn({ ...fields, reason }, 'takes no messages now; trying again until it works');
      told = reason;
      await pause(pauseAfter(failures, firstPause), undefined, { signal }).catch(() => undefined);
      failures += 1;
    }
  }
}

/** Of different lengths, so that workers do not come back to a broker all at once. */
function pauseAfter(failures: number, first: number): number {
  const full = Math.min(longestPause, first * 2 ** Math.min(failures, 10));
  return full / 2 + Math.random() * (full / 2);
}
