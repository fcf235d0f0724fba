import type { Channel, ConsumeMessage } from 'amqplib';
import { briefly } from '../../amqp/briefly.js';
import { openAmqp091 } from '../../amqp/open-amqp-0-9-1.js';
import type { Environment } from '../../settings/settings.js';
import type { BusConsumer } from '../bus-consumer.js';
import type { Amqp091Bus } from '../bus-schema.js';
import type { RawMessage } from '../read-bus-message.js';
import { aborted, createUnderWay } from './under-way.js';

/** RabbitMQ and its kin: a durable queue, each message acknowledged by itself once it is durable here. */
export function createAmqp091Consumer(settings: Amqp091Bus, environment: Environment): BusConsumer {
  return {
    name: settings.name,
    type: settings.type,
    async consume({ take, onConsuming, signal }) {
      const { connection, channel, gone, alive } = await openAmqp091(settings, environment, {
        create: (opened) => opened.createChannel(),
        prepare: (opened) => prepare(opened, settings),
      });
      const underWay = createUnderWay();
      const cancelled = Promise.withResolvers<never>();
      cancelled.promise.catch(() => undefined);
      try {
        const { consumerTag } = await channel.consume(settings.queue, (message) => {
          if (message === null) cancelled.reject(new Error(`the broker ended consuming: queue ${settings.queue} is gone`));
          else underWay.add(take(rawOf(settings.name, message)), () => void (alive() && channel.ack(message)));
        });
        onConsuming();
        await Promise.race([aborted(signal), gone, cancelled.promise, underWay.failed]);
        await Promise.race([channel.cancel(consumerTag), gone]);
        await Promise.race([underWay.ended(), gone]);
        // What is not acknowledged the broker gives to somebody else.
        await Promise.race([channel.close(), gone]).catch(() => undefined);
      } finally {
        await briefly(connection.close());
      }
    },
  };
}

async function prepare(channel: Channel, { queue, declare, bindings, prefetch, 'queue-type': type }: Amqp091Bus): Promise<void> {
  await channel.prefetch(prefetch);
  if (!declare) {
    await channel.checkQueue(queue);
    return;
  }
  await channel.assertQueue(queue, { durable: true, ...(type === 'quorum' ? { arguments: { 'x-queue-type': 'quorum' } } : {}) });
  for (const { exchange, topics } of bindings) for (const topic of topics) await channel.bindQueue(queue, exchange, topic);
}

function rawOf(bus: string, { content, fields, properties }: ConsumeMessage): RawMessage {
  return { bus, id: textOf(properties.messageId), topic: fields.routingKey, encoding: textOf(properties.contentEncoding), bytes: content };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
