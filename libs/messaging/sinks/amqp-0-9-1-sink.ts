import type { ConfirmChannel } from 'amqplib';
import { keepOpen } from '../../amqp/keep-open.js';
import { openAmqp091, type OpenAmqp091 } from '../../amqp/open-amqp-0-9-1.js';
import { errorMessage } from '../../errors/error-message.js';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { Amqp091Settings } from '../message-settings-schema.js';
import { acceptedPrefix } from './accepted-prefix.js';

interface Open extends OpenAmqp091<ConfirmChannel> {
  /** Ids of messages that the exchange had no queue for. */
  readonly returned: Set<string>;
}

/** RabbitMQ and its kin: a topic exchange, persistent messages, each confirmed by the broker. */
export function createAmqp091Sink(settings: Amqp091Settings, environment: Environment): MessageSink {
  const { exchange, mandatory } = settings;
  const { connected, close } = keepOpen(
    () => open(settings, environment),
    ({ connection }) => connection.close(),
  );

  function publishOne({ channel, returned }: Open, message: DeliverableMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      const options = {
        persistent: true,
        mandatory,
        messageId: message.messageId,
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        timestamp: message.createdAt,
        headers: { 'stream-id': message.streamId, topic: message.topic },
      };
      channel.publish(exchange, settings['routing-key-prefix'] + message.topic, Buffer.from(message.body), options, (error: unknown) => {
        // The broker returns what it cannot route before it confirms it.
        if (returned.delete(message.messageId)) reject(new Error(`exchange ${exchange} has no queue for ${settings['routing-key-prefix']}${message.topic}`));
        else if (error === null || error === undefined) resolve();
        else reject(new Error(`the broker did not take the message: ${errorMessage(error)}`));
      });
    });
  }

  async function publish(messages: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult> {
    const current = await connected();
    signal.throwIfAborted();
    return acceptedPrefix(messages.map((message) => Promise.race([publishOne(current, message), current.gone])));
  }

  return { name: settings.name, type: settings.type, from: settings.from, batch: 100, publish, close };
}

async function open(settings: Amqp091Settings, environment: Environment): Promise<Open> {
  const returned = new Set<string>();
  const opened = await openAmqp091(settings, environment, {
    create: (connection) => connection.createConfirmChannel(),
    prepare: (channel) => {
      channel.on('return', ({ properties }) => returned.add(String(properties.messageId)));
      return settings.declare ? channel.assertExchange(settings.exchange, 'topic', { durable: true }) : channel.checkExchange(settings.exchange);
    },
  });
  return { ...opened, returned };
}
