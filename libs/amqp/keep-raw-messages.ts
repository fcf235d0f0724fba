import type { Receiver } from 'rhea';

interface Transfer {
  performative: { message_format?: number; more?: boolean; handle: number };
  payload?: Buffer;
}

/** Anything but 0, with which the library hands a message over as it came. */
const notDecoded = 1;
const nothing = Buffer.alloc(0);

/**
 * Has the library hand over the bytes of messages instead of decoding them: one that it cannot decode would end the connection, and come again. Bytes
 * behind the limit are dropped as they arrive, so that what is too large shows in one byte more than the limit and not in memory. For
 * the only link of its session.
 */
export function keepRawMessages(receiver: Receiver, limit: number): void {
  const session = receiver.session as unknown as { on_transfer(frame: Transfer): void };
  const pass = session.on_transfer.bind(session);
  let bytes = 0;
  session.on_transfer = (frame) => {
    const payload = frame.payload ?? nothing;
    frame.performative.message_format = notDecoded;
    frame.payload = bytes > limit ? nothing : payload.subarray(0, limit + 1 - bytes);
    bytes += frame.payload.length;
    if (frame.performative.more !== true) bytes = 0;
    pass(frame);
  };
}
