import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { describeWith } from '../../testing/describe-with.js';
import { specDatabase } from '../../testing/spec-database.js';
import { startRabbitmq, type TestRabbitmq } from '../../testing/start-rabbitmq.js';
import { startBusWorker, receivedBy } from '../__fixtures__/bus-scene.js';
import { confirmedPublisher } from '../__fixtures__/confirmed-publisher.js';
import { until } from '../../messaging/__fixtures__/message-scene.js';
import type { BusConsumer } from '../bus-consumer.js';
import { createAmqp091Consumer } from './amqp-0-9-1-consumer.js';
import { createAmqp10Consumer } from './amqp-1-0-consumer.js';

let broker: TestRabbitmq;

const exchange = 'amq.topic';
const topics = ['org.example.koji.tag', 'org.example.koji.untag', 'org.example.bodhi.update'];
const topicOf = (id: string): string => topics[Number(id.split('-')[1]) % topics.length] as string;

/** Both take from a durable queue that three topics are bound to. */
const kinds: readonly (readonly [string, (name: string) => BusConsumer])[] = [
  ['amqp-0-9-1', (name) => createAmqp091Consumer({ name, type: 'amqp-0-9-1', url: broker.url, sasl: 'plain', heartbeat: 30, queue: name, declare: true, 'queue-type': 'classic', bindings: [{ exchange, topics: ['org.example.#'] }], prefetch: 100 }, {})],
  [
    'amqp-1.0',
    (name) => createAmqp10Consumer({ name, type: 'amqp-1.0', url: broker.url, sasl: 'plain', username: 'guest', password: { env: 'RABBIT_PASSWORD' }, address: `/amq/queue/${name}`, prefetch: 100 }, { RABBIT_PASSWORD: 'guest' }),
  ],
];

async function queue(name: string): Promise<void> {
  const connection = await connect(broker.url);
  const channel = await connection.createChannel();
  await channel.assertQueue(name, { durable: true });
  await channel.bindQueue(name, exchange, 'org.example.#');
  await connection.close();
}

describeWith('rabbitmq-server', 'a burst of a thousand messages', () => {
  const record = specDatabase();
  beforeAll(async () => {
    broker = await startRabbitmq();
  }, 90_000);
  afterAll(() => broker?.stop(), 30_000);

  it.each(kinds)(
    'over %s is in the record, each once, although the broker is killed and started again, a worker is stopped and the database ends all connections',
    async (kind, consumerOf) => {
      const bus = `burst-${kind.replaceAll('.', '-')}`;
      await queue(bus);
      const ids = Array.from({ length: 1000 }, (_, index) => `${kind}-${index}`);
      const publisher = confirmedPublisher({ url: broker.url, exchange, topicOf });
      const first = await startBusWorker({ databaseUrl: record.url, consumers: [consumerOf(bus)] });
      const second = await startBusWorker({ databaseUrl: record.url, consumers: [consumerOf(bus)] });
      const arrived = async (): Promise<number> => (await receivedBy(second.messages, bus)).length;
      const publishing = publisher.publish(ids);
      await until(async () => (await arrived()) > 50);
      await broker.kill();
      await broker.restart();
      await until(async () => (await arrived()) > 200);
      await record.endConnections();
      await first.stop();
      await publishing;
      await until(async () => (await arrived().catch(() => 0)) === ids.length);
      await second.stop();
      const fresh = await startBusWorker({ databaseUrl: record.url, consumers: [] });
      const received = await receivedBy(fresh.messages, bus);
      const totals = (await fresh.messages.totals()).find((each) => each.bus === bus);
      await fresh.stop();
      expect(publisher.confirmed.size).toBe(ids.length);
      expect(received.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      expect(received.every(({ id, topic, body }) => topic === topicOf(id) && (body as { id: string }).id === id)).toBe(true);
      expect(totals).toMatchObject({ received: 1000, parked: 0 });
    },
    90_000,
  );
});
