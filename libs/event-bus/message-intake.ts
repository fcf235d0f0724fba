import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '../errors/error-message.js';
import { errorTable } from '../errors/error-table.js';
import { isMillraceError } from '../errors/millrace-error.js';
import type { BusMessage } from '../compose-rules/bus-message.js';
import { createByteTurns } from './byte-turns.js';
import type { IncomingMessages } from './incoming-messages.js';
import { excerptOf, isUnreadable, largestDecoded, messageLimit, readBusMessage, type RawMessage } from './read-bus-message.js';

export type Taken = 'accepted' | 'known' | 'parked';

export interface MessageIntake {
  /**
   * Resolves when what came is durable, so that it may be acknowledged: as a message, or parked. Rejects when the record stays away: then it is
   * not known whether it is durable, and it must come again. Errors: `database-unavailable`.
   */
  take(raw: RawMessage, options?: { readonly signal?: AbortSignal }): Promise<Taken>;
}

export interface MessageIntakeOptions {
  readonly messages: Pick<IncomingMessages, 'accept' | 'park'>;
  /** Milliseconds that a message waits for a record that is away. */
  readonly patience: number;
}

/** Milliseconds from the first failure to the next try; each further pause is twice as long. */
const firstPause = 100;
const longestPause = 2000;

/** Bytes of messages that are read and not recorded yet: as values they take many times that. The others wait as they came. */
const largestAtOnce = 8 * messageLimit;

export function createMessageIntake({ messages, patience }: MessageIntakeOptions): MessageIntake {
  const inTurn = createByteTurns(largestAtOnce);

  async function accept(raw: RawMessage, message: BusMessage): Promise<Taken> {
    try {
      return (await messages.accept(message)).known ? 'known' : 'accepted';
    } catch (error) {
      if (isPassing(error)) throw error;
      return park(raw, `the record refuses it: ${errorMessage(error)}`);
    }
  }

  async function park(raw: RawMessage, reason: string): Promise<Taken> {
    const { bus, topic, id, encoding, bytes } = raw;
    const kept = bytes.length <= messageLimit && raw.unreadable === undefined ? bytes : null;
    await messages.park({ bus, topic, position: null, rule: null, reason, excerpt: excerptOf(raw) }, { bytes: kept, details: { id, topic, encoding, sha256: createHash('sha256').update(bytes).digest('hex') } });
    return 'parked';
  }

  async function take(raw: RawMessage, giveUp: number, signal: AbortSignal | undefined): Promise<Taken> {
    const read = attempt(() => readBusMessage(raw));
    for (let wait = firstPause; ; wait = Math.min(wait * 2, longestPause)) {
      try {
        return await ('value' in read ? accept(raw, read.value) : park(raw, read.reason));
      } catch (error) {
        if (signal?.aborted === true || !isPassing(error) || performance.now() + wait > giveUp) throw error;
        await pause(wait, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      }
    }
  }

  return {
    take(raw, { signal } = {}) {
      const giveUp = performance.now() + patience;
      return inTurn(largestDecoded(raw), () => take(raw, giveUp, signal));
    },
  };
}

function attempt(read: () => BusMessage): { readonly value: BusMessage } | { readonly reason: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { reason: errorMessage(error) };
  }
}

function isPassing(error: unknown): boolean {
  return isMillraceError(error) && errorTable[error.code].retryable;
}
