import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka';
import { describeWith } from '../../testing/describe-with.js';
import { startKafka, type TestKafka } from '../../testing/start-kafka.js';
import { expectAllOverKilledBroker } from '../__fixtures__/killed-broker.js';
import { messageBody, openMessageScene, topic, until, type MessageScene, type SpecMessage } from '../__fixtures__/message-scene.js';
import type { DeliverableMessage } from '../message-sink.js';
import type { KafkaSettings } from '../message-settings-schema.js';
import { createKafkaSink } from './kafka-sink.js';

let kafka: TestKafka;
let scene: MessageScene;

const settingsOf = (changes: Partial<KafkaSettings> = {}): KafkaSettings => ({ name: 'kafka', type: 'kafka', from: 'now', brokers: [kafka.broker], declare: false, ...changes });
const never = new AbortController().signal;

const messageOf = (number: number): DeliverableMessage => ({
  messageId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  streamId: `compose:${number}`,
  topic,
  body: JSON.stringify(messageBody(`compose:${number}`, number)),
  createdAt: 1_700_000_000,
});

interface Received {
  readonly key: string;
  readonly value: string;
  readonly headers: ReadonlyMap<string, string>;
}

async function follow(name: string): Promise<{ readonly messages: Received[]; close(): Promise<void> }> {
  const consumer = new Consumer({ groupId: `spec-${name}`, clientId: 'spec', bootstrapBrokers: [kafka.broker], deserializers: stringDeserializers });
  const stream = await consumer.consume({ topics: [name], mode: 'earliest', autocommit: true });
  const messages: Received[] = [];
  stream.on('data', ({ key, value, headers }) => messages.push({ key: String(key), value: String(value), headers: headers }));
  stream.on('error', () => undefined);
  return { messages, close: () => consumer.close(true) };
}

describeWith('kafka', 'a Kafka sink', () => {
  beforeAll(async () => {
    [kafka, scene] = await Promise.all([startKafka(), openMessageScene()]);
    const admin = new Admin({ clientId: 'spec', bootstrapBrokers: [kafka.broker] });
    await admin.createTopics({ topics: [topic, 'shape'], partitions: 3, replicas: 1 });
    await admin.close();
  }, 120_000);
  afterAll(async () => {
    await scene?.close();
    await kafka?.stop();
  }, 30_000);

  it('sends a message with the stream as its key and the id that all repetitions have', async () => {
    const sink = createKafkaSink(settingsOf({ topic: 'shape' }), {});
    await expect(sink.publish([messageOf(1), messageOf(2)], never)).resolves.toEqual({ accepted: 2 });
    await sink.close();
    const { messages, close } = await follow('shape');
    await until(() => messages.length === 2);
    await close();
    const first = messages.find(({ key }) => key === 'compose:1');
    expect(first?.value).toBe(messageOf(1).body);
    expect(Object.fromEntries(first?.headers ?? [])).toEqual({ 'message-id': messageOf(1).messageId, 'content-type': 'application/json', topic });
  });

  it('fails when nobody answers, and does not hang', async () => {
    const sink = createKafkaSink(settingsOf({ brokers: ['127.0.0.1:1'] }), {});
    await expect(sink.publish([messageOf(1)], never)).rejects.toThrow();
    await sink.close();
  });

  it('delivers every message in order although the broker is killed in the middle and started again', async () => {
    let followed: Awaited<ReturnType<typeof follow>> | undefined;
    await expectAllOverKilledBroker({
      scene,
      sink: createKafkaSink(settingsOf(), {}),
      broker: kafka,
      streams: ['compose:1', 'compose:2', 'compose:3'],
      each: 40,
      received: async () => {
        followed ??= await follow(topic);
        return followed.messages.map(({ value }) => JSON.parse(value) as SpecMessage);
      },
    });
    await followed?.close();
  }, 120_000);
});
