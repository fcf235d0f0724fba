import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { describeWith } from '../../testing/describe-with.js';
import { startRabbitmq, type TestRabbitmq } from '../../testing/start-rabbitmq.js';
import { writeTestCertificates, type TestCertificates } from '../../testing/test-certificates.js';
import { expectAllOverKilledBroker } from '../__fixtures__/killed-broker.js';
import { messageBody, openMessageScene, topic, type MessageScene, type SpecMessage } from '../__fixtures__/message-scene.js';
import type { DeliverableMessage } from '../message-sink.js';
import type { Amqp091Settings } from '../message-settings-schema.js';
import { createAmqp091Sink } from './amqp-0-9-1-sink.js';

let broker: TestRabbitmq;
let scene: MessageScene;

let folder: string;
let certificates: TestCertificates;

const settingsOf = (changes: Partial<Amqp091Settings> = {}): Amqp091Settings => ({
  name: 'rabbit',
  type: 'amqp-0-9-1',
  from: 'now',
  url: broker.url,
  sasl: 'plain',
  exchange: 'composes',
  declare: true,
  'routing-key-prefix': '',
  mandatory: false,
  heartbeat: 30,
  ...changes,
});

const messageOf = (number: number, changes: Partial<DeliverableMessage> = {}): DeliverableMessage => ({
  messageId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  streamId: 'compose:1',
  topic,
  body: JSON.stringify(messageBody('compose:1', number)),
  createdAt: 1_700_000_000,
  ...changes,
});

const never = new AbortController().signal;

async function withChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection: ChannelModel = await connect(broker.url);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

async function boundQueue(queue: string, exchange = 'composes', pattern = '#'): Promise<void> {
  await withChannel(async (channel) => {
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, pattern);
  });
}

async function drain(queue: string): Promise<GetMessage[]> {
  return withChannel(async (channel) => {
    const messages: GetMessage[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return messages;
      messages.push(message);
    }
  });
}

describeWith('rabbitmq-server', 'a RabbitMQ sink', () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-amqp-'));
    certificates = writeTestCertificates(folder);
    [broker, scene] = await Promise.all([startRabbitmq({ tls: { authority: certificates.authority, ...certificates.server } }), openMessageScene()]);
  }, 90_000);
  afterAll(async () => {
    await scene?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  it('publishes a persistent message to the topic exchange, under its topic, with the id that all repetitions have', async () => {
    await boundQueue('shape', 'shaped', 'test.odcs.compose.*');
    const sink = createAmqp091Sink(settingsOf({ exchange: 'shaped', 'routing-key-prefix': 'test.' }), {});
    await expect(sink.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await sink.close();
    const [message] = await drain('shape');
    expect(message?.content.toString()).toBe(messageOf(1).body);
    expect(message?.fields).toMatchObject({ exchange: 'shaped', routingKey: `test.${topic}` });
    expect(message?.properties).toMatchObject({
      messageId: messageOf(1).messageId,
      contentType: 'application/json',
      deliveryMode: 2,
      timestamp: 1_700_000_000,
      headers: { 'stream-id': 'compose:1', topic },
    });
  });

  it('says why when the exchange is not there and is not to be declared, and goes on once it is', async () => {
    const sink = createAmqp091Sink(settingsOf({ exchange: 'made-later', declare: false }), {});
    await expect(sink.publish([messageOf(1)], never)).rejects.toThrow(/NOT_FOUND - no exchange 'made-later'/);
    await sink.close();
    await boundQueue('made-later', 'made-later');
    await expect(sink.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await sink.close();
    expect(await drain('made-later')).toHaveLength(1);
  });

  it('lets a topic exchange drop what nobody is bound for, unless it is told that this is mandatory', async () => {
    const lenient = createAmqp091Sink(settingsOf({ exchange: 'unbound' }), {});
    await expect(lenient.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await lenient.close();
    const strict = createAmqp091Sink(settingsOf({ exchange: 'half-bound', mandatory: true }), {});
    await boundQueue('half', 'half-bound', 'some.topic');
    const result = await strict.publish([messageOf(1, { topic: 'some.topic' }), messageOf(2), messageOf(3, { topic: 'some.topic' })], never);
    expect(result).toEqual({ accepted: 1, failure: { reason: `exchange half-bound has no queue for ${topic}` } });
    await strict.close();
  });

  it('names a login that is refused, without the password', async () => {
    const sink = createAmqp091Sink(settingsOf({ username: 'guest', password: { env: 'RABBIT_PASSWORD' } }), { RABBIT_PASSWORD: 'not-this-one' });
    const error = await sink.publish([messageOf(1)], never).catch((thrown: unknown) => thrown as Error);
    await sink.close();
    expect(error).toMatchObject({ message: expect.stringMatching(/ACCESS.REFUSED/) });
    expect(JSON.stringify(error)).not.toContain('not-this-one');
  });

  it('speaks TLS with a certificate of its own, and to nobody that it does not trust', async () => {
    const url = broker.tlsUrl ?? '';
    const { authority, client } = certificates;
    const own = { 'certificate-file': client.certificate, 'key-file': client.key };
    const trusting = createAmqp091Sink(settingsOf({ url, tls: { 'ca-file': authority, ...own } }), {});
    await expect(trusting.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    await trusting.close();
    const distrusting = createAmqp091Sink(settingsOf({ url, tls: own }), {});
    await expect(distrusting.publish([messageOf(1)], never)).rejects.toThrow(/certificate/);
    await distrusting.close();
    const unknown = createAmqp091Sink(settingsOf({ url, tls: { 'ca-file': authority } }), {});
    await expect(unknown.publish([messageOf(1)], never)).rejects.toThrow();
    await unknown.close();
    const elsewhere = createAmqp091Sink(settingsOf({ url, tls: { 'ca-file': authority, ...own, 'server-name': 'elsewhere.example' } }), {});
    await expect(elsewhere.publish([messageOf(1)], never)).rejects.toThrow(/altnames|certificate/i);
    await elsewhere.close();
  });

  it('connects again without a failure when the connection was lost while there was nothing to send', async () => {
    const sockets = new Set<Socket>();
    const forwarder = createServer((socket) => {
      const onward = createConnection(Number(new URL(broker.url).port), '127.0.0.1');
      for (const each of [socket, onward]) sockets.add(each.on('error', () => undefined));
      socket.pipe(onward).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(forwarder, 'listening');
    const sink = createAmqp091Sink(settingsOf({ url: `amqp://127.0.0.1:${(forwarder.address() as AddressInfo).port}` }), {});
    await expect(sink.publish([messageOf(1)], never)).resolves.toEqual({ accepted: 1 });
    const cut = [...sockets].map((socket) => once(socket.destroy(), 'close'));
    await Promise.all(cut);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(sink.publish([messageOf(2)], never)).resolves.toEqual({ accepted: 1 });
    await sink.close();
    for (const socket of sockets) socket.destroy();
    forwarder.close();
  });

  it('does not hang on a port where nobody speaks AMQP', async () => {
    const sink = createAmqp091Sink(settingsOf({ url: 'amqp://127.0.0.1:1' }), {});
    await expect(sink.publish([messageOf(1)], never)).rejects.toThrow(/ECONNREFUSED/);
    await sink.close();
  });

  it('delivers every message, each stream in its order, although the broker is killed in the middle and started again', async () => {
    await boundQueue('all');
    const received: SpecMessage[] = [];
    await expectAllOverKilledBroker({
      scene,
      sink: createAmqp091Sink(settingsOf(), {}),
      broker,
      streams: ['compose:1', 'compose:2', 'compose:3', 'compose:4'],
      each: 60,
      received: async () => {
        received.push(...(await drain('all')).map(({ content }) => JSON.parse(content.toString()) as SpecMessage));
        return received;
      },
    });
  }, 90_000);
});
