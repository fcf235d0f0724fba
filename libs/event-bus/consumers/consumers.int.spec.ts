import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { connect, type Channel, type Options } from 'amqplib';
import rhea from 'rhea';
import type { Delivery, EventContext } from 'rhea';
import { describeWith } from '../../testing/describe-with.js';
import { startKillablePostgres, type KillablePostgres } from '../../testing/start-killable-postgres.js';
import { startRabbitmq, type TestRabbitmq } from '../../testing/start-rabbitmq.js';
import { writeTestCertificates, type TestCertificates } from '../../testing/test-certificates.js';
import { until } from '../../messaging/__fixtures__/message-scene.js';
import { receivedBy, startBusWorker, stopBusWorkers } from '../__fixtures__/bus-scene.js';
import { confirmedPublisher } from '../__fixtures__/confirmed-publisher.js';
import type { BusConsumer } from '../bus-consumer.js';
import type { Amqp091Bus, Amqp10Bus } from '../bus-schema.js';
import { messageLimit } from '../read-bus-message.js';
import { createAmqp091Consumer } from './amqp-0-9-1-consumer.js';
import { createAmqp10Consumer } from './amqp-1-0-consumer.js';

let broker: TestRabbitmq;
let record: KillablePostgres;
let folder: string;
let certificates: TestCertificates;

const exchange = 'amq.topic';
const topics = ['org.example.koji.tag', 'org.example.koji.untag', 'org.example.bodhi.update'];
const topicOf = (id: string): string => topics[Number(id.split('-').at(-1)) % topics.length] as string;

const amqp091 = (name: string, changes: Partial<Amqp091Bus> = {}): BusConsumer =>
  createAmqp091Consumer({ name, type: 'amqp-0-9-1', url: broker.url, sasl: 'plain', heartbeat: 30, queue: name, declare: true, 'queue-type': 'classic', bindings: [{ exchange, topics: ['org.example.#'] }], prefetch: 100, ...changes }, { WRONG: 'not-this-one' });
const amqp10 = (name: string, changes: Partial<Amqp10Bus> = {}): BusConsumer =>
  createAmqp10Consumer({ name, type: 'amqp-1.0', url: broker.url, sasl: 'plain', username: 'guest', password: { env: 'RABBIT_PASSWORD' }, address: `/amq/queue/${name}`, prefetch: 100, ...changes }, { RABBIT_PASSWORD: 'guest', WRONG: 'not-this-one' });
const kinds = [['amqp-0-9-1', amqp091], ['amqp-1.0', amqp10]] as const;

async function withChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection = await connect(broker.url);
  try {
    return await work(await connection.createConfirmChannel());
  } finally {
    await connection.close();
  }
}

async function queue(name: string): Promise<void> {
  await withChannel(async (channel) => {
    await channel.assertQueue(name, { durable: true });
    await channel.bindQueue(name, exchange, 'org.example.#');
  });
}

const send = (name: string, messages: readonly (readonly [Buffer, Options.Publish])[]) =>
  withChannel(async (channel) => {
    for (const [content, options] of messages) channel.sendToQueue(name, content, { persistent: true, ...options });
    await (channel as Channel & { waitForConfirms(): Promise<void> }).waitForConfirms();
  });
/** Ready and not acknowledged by anybody: only what nobody holds is counted. */
const left = (name: string) => withChannel(async (channel) => (await channel.checkQueue(name)).messageCount);

/** A peer of AMQP 1.0 that sends what RabbitMQ would not let through, and notes what becomes of it. */
async function startPeer(messages: readonly Buffer[]): Promise<{ readonly url: string; readonly outcomes: string[]; readonly server: Server }> {
  const container = rhea.create_container();
  const outcomes: string[] = [];
  const numbers = new Map<Delivery, number>();
  const waiting = messages.map((_, index) => index);
  container.on('sendable', ({ sender }: EventContext) => {
    // An encoded message, as it is: format 0.
    while (sender?.sendable() === true && waiting.length > 0) {
      const number = waiting.shift() as number;
      numbers.set(sender.send(messages[number] as never, undefined, 0), number);
    }
  });
  for (const outcome of ['accepted', 'released', 'rejected', 'modified'] as const) container.on(outcome, ({ delivery }: EventContext) => void outcomes.push(`${delivery === undefined ? '' : String(numbers.get(delivery))} ${outcome}`));
  const server = container.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  return { url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`, outcomes, server };
}

describeWith('rabbitmq-server', 'a bus', () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bus-'));
    certificates = writeTestCertificates(folder);
    [broker, record] = await Promise.all([startRabbitmq({ tls: { authority: certificates.authority, ...certificates.server } }), startKillablePostgres()]);
  }, 90_000);
  afterEach(stopBusWorkers);
  afterAll(async () => {
    await broker?.stop();
    await record?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  it.each(kinds)(
    'of %s loses none of a thousand messages and has none twice, although broker and database are killed and started again and a worker stops',
    async (kind, consumerOf) => {
      const bus = `burst-${kind}`;
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
      await record.kill();
      await record.restart();
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

  it.each(kinds)('of %s parks what cannot be read, goes on with the next, and leaves nothing in the queue', async (kind, consumerOf) => {
    const bus = `poison-${kind}`;
    await queue(bus);
    const bomb = gzipSync(Buffer.alloc(20 * messageLimit, 0x20));
    await send(bus, [
      [Buffer.from('{'), {}],
      [Buffer.from([0xff, 0xfe]), {}],
      [Buffer.alloc(messageLimit + 1, 0x20), {}],
      [bomb, { contentEncoding: 'gzip' }],
      [Buffer.from('['.repeat(1000)), {}],
      [Buffer.from('"fine"'), { messageId: 'fine' }],
    ]);
    const worker = await startBusWorker({ databaseUrl: record.url, consumers: [consumerOf(bus)] });
    await until(async () => (await receivedBy(worker.messages, bus)).length === 1);
    const allParked = async () => (await worker.messages.parked({ limit: 100 })).filter((each) => each.bus === bus);
    await until(async () => (await allParked()).length === 5);
    const parked = await allParked();
    await worker.stop();
    expect(parked.map(({ reason }) => reason).toSorted()).toEqual([
      'the JSON document is nested deeper than 64 levels',
      'the JSON document is not valid UTF-8',
      'the document is not valid JSON',
      'the message decodes to more than 1048576 bytes',
      'the message is larger than 1048576 bytes',
    ]);
    await until(async () => (await left(bus)) === 0);
  }, 30_000);

  it('of AMQP 1.0 parks what is no message at all, and settles all of it', async () => {
    const message = (body: unknown, more: object = {}): Buffer => rhea.message.encode({ ...more, body });
    const data = (text: string | Buffer): unknown => rhea.message.data_section(Buffer.from(text as string));
    const nested = Buffer.concat([Buffer.from('005377', 'hex'), ...Array.from({ length: 20_000 }, (_, index) => Buffer.from(`d0${(4 + (19_999 - index) * 9).toString(16).padStart(8, '0')}${index === 19_999 ? '00000000' : '00000001'}`, 'hex'))]);
    const endless = Buffer.from('005377f000000005ffffffff40', 'hex');
    const peer = await startPeer([Buffer.from('hello'), nested, endless, message({ a: 1 }), message(data(Buffer.alloc(3 * messageLimit))), message('{"text":true}', { to: 'topic://VirtualTopic.a.b', message_id: 'text' }), message(data('{}'), { subject: 'c.d', application_properties: { kind: 'e.f' }, message_id: 7 })]);
    const worker = await startBusWorker({ databaseUrl: record.url, consumers: [amqp10('peer', { url: peer.url, sasl: 'anonymous', address: 'somewhere' })] });
    await until(() => peer.outcomes.length === 7);
    const received = await receivedBy(worker.messages, 'peer');
    const parked = (await worker.messages.parked({ limit: 100 })).filter((each) => each.bus === 'peer');
    await worker.stop();
    peer.server.close();
    expect(peer.outcomes.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6].map((number) => `${number} accepted`));
    expect(received.map(({ id, topic, body }) => [id, topic, body]).toSorted()).toEqual([['7', 'c.d', {}], ['text', 'VirtualTopic.a.b', { text: true }]]);
    expect(parked.map(({ reason }) => reason).toSorted()).toEqual([
      expect.stringMatching(/^the AMQP message /),
      'the body is neither bytes nor a text',
      'the body is neither bytes nor a text',
      'the body is neither bytes nor a text',
      'the message is larger than 1048576 bytes',
    ]);
  }, 30_000);

  it('of AMQP 1.0 takes the topic from a property where it is told to', async () => {
    const peer = await startPeer([rhea.message.encode({ subject: 'c.d', application_properties: { kind: 'e.f' }, message_id: 'named', body: '1' })]);
    const worker = await startBusWorker({ databaseUrl: record.url, consumers: [amqp10('named', { url: peer.url, sasl: 'anonymous', address: 'somewhere', 'topic-property': 'kind' })] });
    await until(async () => (await receivedBy(worker.messages, 'named')).length === 1);
    expect(await receivedBy(worker.messages, 'named')).toMatchObject([{ topic: 'e.f', id: 'named' }]);
    await worker.stop();
    peer.server.close();
  });

  it('of AMQP 1.0 has its messages released while the record is away', async () => {
    const peer = await startPeer([1, 2, 3].map((id) => rhea.message.encode({ message_id: id, body: '{}' })));
    const consumer = amqp10('released', { url: peer.url, sasl: 'anonymous', address: 'somewhere' });
    const abort = new AbortController();
    const away = consumer.consume({ take: () => Promise.reject(new Error('the record is away')), onConsuming: () => undefined, signal: abort.signal });
    await expect(away).rejects.toThrow('the record is away');
    await until(() => peer.outcomes.length > 0);
    peer.server.close();
    expect(new Set(peer.outcomes.map((outcome) => outcome.split(' ')[1]))).toEqual(new Set(['released']));
  });

  it.each(kinds)('of %s keeps what it could not take in the queue', async (kind, consumerOf) => {
    const bus = `kept-${kind}`;
    await queue(bus);
    await send(bus, [1, 2, 3].map((id) => [Buffer.from('{}'), { messageId: String(id) }] as const));
    const { signal } = new AbortController();
    await expect(consumerOf(bus).consume({ take: () => Promise.reject(new Error('the record is away')), onConsuming: () => undefined, signal })).rejects.toThrow('the record is away');
    await until(async () => (await left(bus)) === 3);
  }, 30_000);

  it.each(kinds)('of %s is given up in good order by a worker that stops: what is under way is acknowledged, the rest is left', async (kind, consumerOf) => {
    const bus = `stopped-${kind}`;
    await queue(bus);
    const abort = new AbortController();
    const taken: string[] = [];
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    await send(bus, [1, 2, 3].map((id) => [Buffer.from('{}'), { messageId: String(id) }] as const));
    const consuming = consumerOf(bus).consume({
      take: async ({ id }) => {
        taken.push(String(id));
        if (taken.length === 3) begun.resolve();
        if (id === '2') await new Promise(() => undefined);
        await goOn.promise;
      },
      onConsuming: () => undefined,
      signal: abort.signal,
    });
    await begun.promise;
    abort.abort();
    await send(bus, [[Buffer.from('{}'), { messageId: '4' }]]);
    goOn.resolve();
    await consuming;
    await until(async () => (await left(bus)) === 2);
  }, 30_000);

  it('speaks TLS with a certificate of its own', async () => {
    await queue('tls');
    await send('tls', [[Buffer.from('{}'), { messageId: 'one' }]]);
    const tls = { 'ca-file': certificates.authority, 'certificate-file': certificates.client.certificate, 'key-file': certificates.client.key };
    const url = broker.tlsUrl ?? '';
    const worker = await startBusWorker({ databaseUrl: record.url, consumers: [amqp091('tls', { url, tls })] });
    await until(async () => (await receivedBy(worker.messages, 'tls')).length === 1);
    await worker.stop();
    await send('tls', [[Buffer.from('{}'), { messageId: 'two' }]]);
    const second = await startBusWorker({ databaseUrl: record.url, consumers: [amqp10('tls', { url, tls })] });
    await until(async () => (await receivedBy(second.messages, 'tls')).length === 2);
    await second.stop();
  }, 30_000);

  it('says why it cannot be had, without secrets', async () => {
    const failure = (consumer: BusConsumer): Promise<string> => consumer.consume({ take: () => Promise.resolve(), onConsuming: () => undefined, signal: new AbortController().signal }).then(() => 'none', ({ message }: Error) => message);
    const wrong = { username: 'guest', password: { env: 'WRONG' } } as const;
    const failures = await Promise.all([
      failure(amqp091('none', { declare: false, bindings: [] })),
      failure(amqp091('lost', { bindings: [{ exchange: 'no-such-exchange', topics: ['#'] }] })),
      failure(amqp091('stranger', wrong)),
      failure(amqp10('none')),
      failure(amqp10('stranger', wrong)),
      failure(amqp091('away', { url: 'amqp://127.0.0.1:1' })),
      failure(amqp10('away', { url: 'amqp://127.0.0.1:1' })),
    ]);
    expect(failures).toEqual([
      expect.stringMatching(/no queue 'none'/),
      expect.stringMatching(/no exchange 'no-such-exchange'/),
      expect.stringMatching(/ACCESS.REFUSED/),
      expect.stringMatching(/not.found/i),
      expect.any(String),
      expect.stringMatching(/ECONNREFUSED/),
      expect.stringMatching(/ECONNREFUSED|lost the broker/),
    ]);
    expect(failures.join()).not.toContain('not-this-one');
    expect(failures).not.toContain('none');
  }, 30_000);

  it('whose queue is deleted is made again, and messages flow again', async () => {
    const worker = await startBusWorker({ databaseUrl: record.url, consumers: [amqp091('deleted', { bindings: [{ exchange, topics: ['deleted.#'] }] })] });
    await until(() => worker.log.includes('taking messages'));
    await withChannel((channel) => channel.deleteQueue('deleted'));
    await until(() => worker.log.includes('taking messages again'));
    expect(worker.log[1]).toBe('takes no messages now; trying again until it works: the broker ended consuming: queue deleted is gone');
    await send('deleted', [[Buffer.from('{}'), {}]]);
    await until(async () => (await receivedBy(worker.messages, 'deleted')).length === 1);
    await worker.stop();
  }, 30_000);
});
