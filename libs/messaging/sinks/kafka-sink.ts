import { Producer, stringSerializers } from '@platformatic/kafka';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { KafkaSettings } from '../message-settings-schema.js';
import { readSecret } from '../../settings-file/read-secret.js';
import { briefly } from '../../amqp/briefly.js';
import { tlsOptions } from '../../settings-file/tls-options.js';

type StringProducer = Producer<string, string, string, string>;

/** The stream is the key, so that its messages are in one partition; all replicas in sync have a message before it counts as delivered. */
export function createKafkaSink(settings: KafkaSettings, environment: Environment): MessageSink {
  let opening: Promise<StringProducer> | undefined;

  async function publish(messages: readonly DeliverableMessage[]): Promise<PublishResult> {
    opening ??= open(settings, environment);
    const producer = await opening;
    await producer.send({
      messages: messages.map((message) => ({
        topic: settings.topic ?? message.topic,
        key: message.streamId,
        value: message.body,
        timestamp: BigInt(message.createdAt) * 1000n,
        headers: { 'message-id': message.messageId, 'content-type': 'application/json', topic: message.topic },
      })),
    });
    return { accepted: messages.length };
  }

  async function close(): Promise<void> {
    const current = opening;
    opening = undefined;
    if (current !== undefined) await briefly(current.then((producer) => producer.close(true)));
  }

  return { name: settings.name, type: settings.type, from: settings.from, batch: 100, publish, close };
}

async function open(settings: KafkaSettings, environment: Environment): Promise<StringProducer> {
  const { tls, sasl } = settings;
  return new Producer({
    clientId: 'millrace',
    bootstrapBrokers: [...settings.brokers],
    serializers: stringSerializers,
    idempotent: true,
    // Few: the delivery has a pause of its own, and begins it with a new producer.
    retries: 2,
    retryDelay: 250,
    autocreateTopics: settings.declare,
    connectTimeout: 5000,
    requestTimeout: 10_000,
    ...(tls === undefined || tls === false ? {} : { tls: await tlsOptions(tls === true ? undefined : tls, environment), tlsServerName: true }),
    ...(sasl === undefined ? {} : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: await readSecret(sasl.password, environment) } }),
  });
}
