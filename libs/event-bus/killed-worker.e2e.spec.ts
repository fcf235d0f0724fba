import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { connect } from 'amqplib';
import { projectRoot } from '../embedded/project-root.js';
import { until } from '../messaging/__fixtures__/message-scene.js';
import { describeWith } from '../testing/describe-with.js';
import { specDatabase } from '../testing/spec-database.js';
import { startRabbitmq, type TestRabbitmq } from '../testing/start-rabbitmq.js';
import { receivedBy, startBusWorker, stopBusWorkers } from './__fixtures__/bus-scene.js';
import { confirmedPublisher } from './__fixtures__/confirmed-publisher.js';
import { createAmqp091Consumer } from './consumers/amqp-0-9-1-consumer.js';

let broker: TestRabbitmq;

describeWith('rabbitmq-server', 'a worker that is killed between taking messages and acknowledging them', () => {
  const record = specDatabase();
  beforeAll(async () => {
    broker = await startRabbitmq();
  }, 90_000);
  afterEach(stopBusWorkers);
  afterAll(() => broker?.stop(), 30_000);

  it.each(['amqp-0-9-1', 'amqp-1.0'])('has them brought again over %s, and they are one message each', async (protocol) => {
    const queue = `killed-${protocol}`;
    const ids = Array.from({ length: 10 }, (_, index) => `${protocol}-${index}`);
    const connection = await connect(broker.url);
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, 'amq.topic', `${protocol}.#`);
    await connection.close();
    await confirmedPublisher({ url: broker.url, exchange: 'amq.topic', topicOf: (id) => `${protocol}.${id}` }).publish(ids);
    const worker = fork(path.join(projectRoot(), 'libs/event-bus/__fixtures__/killed-worker.mjs'), [path.join(projectRoot(), 'dist/libs'), record.url, broker.url, queue, protocol], { stdio: 'inherit' });
    const [, signal] = (await once(worker, 'exit')) as [number | null, NodeJS.Signals | null];
    expect(signal).toBe('SIGKILL');
    const next = await startBusWorker({ databaseUrl: record.url, consumers: [createAmqp091Consumer({ name: queue, type: 'amqp-0-9-1', url: broker.url, sasl: 'plain', heartbeat: 30, queue, declare: false, 'queue-type': 'classic', bindings: [], prefetch: 10 }, {})] });
    expect((await receivedBy(next.messages, queue)).length).toBeGreaterThanOrEqual(3);
    await until(async () => (await receivedBy(next.messages, queue)).length === ids.length);
    expect((await receivedBy(next.messages, queue)).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    await until(async () => Number((await next.messages.totals()).find(({ bus }) => bus === queue)?.repeated) >= 3);
  }, 40_000);
});
