import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect, type GetMessage } from 'amqplib';
import rhea from 'rhea';
import type { Message } from 'rhea';
import { describeWith } from '../../testing/describe-with.js';
import { startRabbitmq, type TestRabbitmq } from '../../testing/start-rabbitmq.js';
import { expectAllOverKilledBroker } from '../__fixtures__/killed-broker.js';
import { messageBody, openMessageScene, topic, type MessageScene, type SpecMessage } from '../__fixtures__/message-scene.js';
import type { DeliverableMessage } from '../message-sink.js';
import type { Amqp10Settings } from '../message-settings-schema.js';
import { createAmqp10Sink } from './amqp-1-0-sink.js';

let broker: TestRabbitmq;
let scene: MessageScene;

const password = { RABBIT_PASSWORD: 'guest' };
const settingsOf = (changes: Partial<Amqp10Settings> = {}): Amqp10Settings => ({
  name: 'amqp',
  type: 'amqp-1.0',
  from: 'now',
  url: broker.url,
  sasl: 'plain',
  username: 'guest',
  password: { env: 'RABBIT_PASSWORD' },
  address: '/exchange/amq.topic',
  ...changes,
});

const messageOf = (number: number): DeliverableMessage => ({
  messageId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  streamId: `compose:${number}`,
  topic,
  body: JSON.stringify(messageBody(`compose:${number}`, number)),
  createdAt: 1_700_000_000,
});

const never = new AbortController().signal;

async function queue(name: string, options: Record<string, unknown> = {}): Promise<void> {
  const connection = await connect(broker.url);
  const channel = await connection.createChannel();
  await channel.assertQueue(name, { durable: true, ...options });
  await channel.bindQueue(name, 'amq.topic', topic);
  await connection.close();
}

async function drain(name: string): Promise<GetMessage[]> {
  const connection = await connect(broker.url);
  const channel = await connection.createChannel();
  const messages: GetMessage[] = [];
  for (let message = await channel.get(name, { noAck: true }); message !== false; message = await channel.get(name, { noAck: true })) messages.push(message);
  await connection.close();
  return messages;
}

/** Read by AMQP 1.0, too. */
function receiveOne(address: string): Promise<Message> {
  const url = new URL(broker.url);
  const connection = rhea.create_container().connect({ host: url.hostname, port: Number(url.port), username: 'guest', password: 'guest', reconnect: false });
  return new Promise((resolve, reject) => {
    connection.once('disconnected', () => reject(new Error('disconnected')));
    connection.once('message', ({ message }) => {
      if (message !== undefined) resolve(message);
      connection.close();
    });
    connection.open_receiver(address);
  });
}

describeWith('rabbitmq-server', 'an AMQP 1.0 sink', () => {
  beforeAll(async () => {
    [broker, scene] = await Promise.all([startRabbitmq(), openMessageScene()]);
  }, 90_000);
  afterAll(async () => {
    await scene?.close();
    await broker?.stop();
  }, 30_000);

  it('sends a durable message with its id, subject and content type, as bytes that are exactly the stored body', async () => {
    await queue('one');
    const sink = createAmqp10Sink(settingsOf({ address: '/amq/queue/one' }), password);
    await expect(sink.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await sink.close();
    const message = await receiveOne('/amq/queue/one');
    const { content } = message.body as { content: Buffer };
    expect(content.toString()).toBe(messageOf(1).body);
    expect(message).toMatchObject({ message_id: messageOf(1).messageId, content_type: 'application/json', durable: true, application_properties: { 'stream-id': 'compose:1', topic } });
  });

  it('is answered for each message: what the other side rejects or releases is not taken for delivered', async () => {
    const peer = rhea.create_container();
    const outcomes = ['accept', 'reject', 'accept'] as const;
    let received = 0;
    peer.on('message', ({ delivery }) => delivery?.[outcomes[received++] ?? 'release']());
    const server = peer.listen({ port: 0, host: '127.0.0.1', receiver_options: { autoaccept: false } });
    await once(server, 'listening');
    const sink = createAmqp10Sink(settingsOf({ url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`, address: 'somewhere', sasl: 'anonymous' }), password);
    await expect(sink.publish([messageOf(1), messageOf(2), messageOf(3)], never)).resolves.toEqual({ accepted: 1, failure: { reason: 'the broker rejected the message at somewhere' } });
    await expect(sink.publish([messageOf(2)], never)).resolves.toEqual({ accepted: 0, failure: { reason: 'the broker released the message at somewhere' } });
    await sink.close();
    server.close();
  });

  it('connects again without a failure when the other side closed the connection while there was nothing to send', async () => {
    const peer = rhea.create_container();
    let connections = 0;
    peer.on('connection_open', () => (connections += 1));
    const server = peer.listen({ port: 0, host: '127.0.0.1' });
    const closed = new Promise<void>((resolve) => peer.once('connection_close', () => resolve()));
    peer.once('message', ({ connection }) => setImmediate(() => connection.close()));
    await once(server, 'listening');
    const sink = createAmqp10Sink(settingsOf({ url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`, address: 'somewhere', sasl: 'anonymous' }), password);
    await expect(sink.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await closed;
    await expect(sink.publish([messageOf(2)], never)).resolves.toEqual({ accepted: 1 });
    expect(connections).toBe(2);
    await sink.close();
    server.close();
  });

  it('says why when there is no such address, and when the login is refused', async () => {
    const lost = createAmqp10Sink(settingsOf({ address: '/exchange/none' }), password);
    await expect(lost.publish([messageOf(1)], never)).rejects.toThrow(/not.found/i);
    await lost.close();
    const stranger = createAmqp10Sink(settingsOf(), { RABBIT_PASSWORD: 'not-this-one' });
    await expect(stranger.publish([messageOf(1)], never)).rejects.toThrow(/^(?!.*not-this-one)/);
    await stranger.close();
    const away = createAmqp10Sink(settingsOf({ url: 'amqp://127.0.0.1:1' }), password);
    await expect(away.publish([messageOf(1)], never)).rejects.toThrow(/ECONNREFUSED|lost the broker/);
    await away.close();
  });

  it('delivers every message in order although the broker is killed in the middle and started again', async () => {
    await queue('all');
    const received: SpecMessage[] = [];
    await expectAllOverKilledBroker({
      scene,
      sink: createAmqp10Sink(settingsOf(), password),
      broker,
      streams: ['compose:1', 'compose:2', 'compose:3'],
      each: 40,
      received: async () => {
        received.push(...(await drain('all')).map(({ content }) => JSON.parse(content.toString()) as SpecMessage));
        return received;
      },
    });
  }, 90_000);
});
