import { MillraceError } from '../errors/millrace-error.js';
import { errorMessage } from '../errors/error-message.js';
import type { IncomingMessages, ParkedMessage, UnreadMessage } from './incoming-messages.js';
import { isUnreadable, readBusMessage } from './read-bus-message.js';

export interface RetryOptions {
  readonly messages: Pick<IncomingMessages, 'accept' | 'unpark'> & { parkedMessage(id: number): Promise<ParkedMessage & { readonly unread: UnreadMessage | null }> };
  /** Has a rule look at a message again. */
  readonly replay: (rule: string, position: number) => Promise<void>;
}

/**
 * Has a rule look again at what it parked, or reads again what nobody could read; then it is parked no more. A crash in between leaves it parked, and a
 * repetition does no harm. Errors: `message-not-found`; `invalid-request` for what still cannot be read.
 */
export async function retryParkedMessage(id: number, { messages, replay }: RetryOptions): Promise<ParkedMessage> {
  const parked = await messages.parkedMessage(id);
  if (parked.rule !== null && parked.position !== null) await replay(parked.rule, parked.position);
  else await readAgain(parked, messages);
  return messages.unpark(id);
}

async function readAgain({ id, bus, unread }: ParkedMessage & { readonly unread: UnreadMessage | null }, messages: RetryOptions['messages']): Promise<void> {
  if (unread === null || unread.bytes === null) throw new MillraceError('invalid-request', `parked message ${id} was not kept, because it is too large or no message`, { suggestion: `Have its sender send it again, and drop this one: millrace rule drop ${id}.` });
  const { id: messageId, topic, encoding } = unread.details;
  try {
    await messages.accept(readBusMessage({ bus, id: messageId, topic, encoding, bytes: unread.bytes }));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new MillraceError('invalid-request', `parked message ${id} still cannot be read: ${errorMessage(error)}`, { cause: error, suggestion: `Drop it: millrace rule drop ${id}.` });
  }
}
