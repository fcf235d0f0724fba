import rhea from 'rhea';
import type { Connection, Delivery, EventContext, Receiver } from 'rhea';
import { briefly } from '../../amqp/briefly.js';
import { keepRawMessages } from '../../amqp/keep-raw-messages.js';
import { closeAmqp10, openAmqp10 } from '../../amqp/open-amqp-1-0.js';
import { readAmqpMessage, type AmqpMessageParts } from '../../amqp/read-amqp-message.js';
import { errorMessage } from '../../errors/error-message.js';
import type { Environment } from '../../settings/settings.js';
import type { BusConsumer } from '../bus-consumer.js';
import type { Amqp10Bus } from '../bus-schema.js';
import { messageLimit, type RawMessage } from '../read-bus-message.js';
import { aborted, createUnderWay } from './under-way.js';

/** Room for what stands around a body. */
const longestEncoded = messageLimit + 256 * 1024;

/** A receiver link; a message is accepted once it is durable here, and released when it could not be made so. */
export function createAmqp10Consumer(settings: Amqp10Bus, environment: Environment): BusConsumer {
  return {
    name: settings.name,
    type: settings.type,
    async consume({ take, onConsuming, signal }) {
      const underWay = createUnderWay();
      const unsettled = new Set<Delivery>();
      let stopping = false;
      /** Messages that the broker may still send. */
      let credit = 0;

      const receive = ({ message, delivery, receiver }: EventContext): void => {
        if (delivery === undefined || receiver === undefined) return;
        // RabbitMQ 3 sends some more than it may.
        credit = Math.max(0, credit - 1);
        unsettled.add(delivery);
        // Given back at the end: a broker would send it again at once, and some count how often.
        if (stopping) return;
        underWay.add(take(rawOf(settings, message as unknown as Buffer)), () => {
          if (!unsettled.delete(delivery)) return;
          delivery.accept();
          if (!stopping) refill(receiver);
        });
      };
      /** In one go for many: each flow is a frame. */
      const refill = (receiver: Receiver): void => {
        const free = settings.prefetch - unsettled.size - credit;
        if (free < settings.prefetch / 2) return;
        credit += free;
        receiver.add_credit(free);
      };
      const open = await openAmqp10(settings, environment, { address: settings.address, attach: (connection) => attach(connection, settings, receive) });
      try {
        refill(open.link);
        onConsuming();
        try {
          await Promise.race([aborted(signal), open.gone, underWay.failed]);
        } finally {
          stopping = true;
          if (signal.aborted) await Promise.race([underWay.ended(), open.gone]);
          if (open.alive()) for (const delivery of unsettled) delivery.release();
          unsettled.clear();
        }
      } finally {
        await briefly(closeAmqp10(open));
      }
    },
  };
}

function attach(connection: Connection, { address, selector }: Amqp10Bus, receive: (context: EventContext) => void): Receiver {
  const receiver = connection.open_receiver({
    source: { address, ...(selector === undefined ? {} : { filter: rhea.filter.selector(selector) }) },
    autoaccept: false,
    credit_window: 0,
  });
  keepRawMessages(receiver, longestEncoded);
  receiver.on('message', receive);
  return receiver;
}

function rawOf(settings: Amqp10Bus, encoded: Buffer): RawMessage {
  const unread = (reason: string): RawMessage => ({ bus: settings.name, id: null, topic: settings.address, encoding: null, bytes: encoded, unreadable: reason });
  if (encoded.length > longestEncoded) return unread(`the message is larger than ${messageLimit} bytes`);
  let parts: AmqpMessageParts;
  try {
    parts = readAmqpMessage(encoded);
  } catch (error) {
    return unread(errorMessage(error));
  }
  const { id, contentEncoding: encoding, body } = parts;
  const raw = { bus: settings.name, id, topic: topicOf(parts, settings), encoding, bytes: body ?? encoded };
  return body === null ? { ...raw, unreadable: 'the body is neither bytes nor a text' } : raw;
}

/** The subject, the routing key as RabbitMQ passes it on, or the address that the message was sent to, such as `topic://VirtualTopic.a`. */
function topicOf({ subject, to, annotations, applicationProperties }: AmqpMessageParts, settings: Amqp10Bus): string {
  const named = settings['topic-property'] === undefined ? undefined : applicationProperties.get(settings['topic-property']);
  const candidates = [named, subject, annotations.get('x-routing-key'), to?.replace(/^(?:topic|queue):\/\//, '')];
  return candidates.find((topic) => topic !== undefined && topic !== null && topic !== '') ?? settings.address;
}
