import { connect, credentials, type ChannelModel, type ConfirmChannel, type SocketOptions } from 'amqplib';
import { errorMessage } from '../../errors/error-message.js';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { Amqp091Settings } from '../message-settings-schema.js';
import { readSecret } from '../../settings-file/read-secret.js';
import { acceptedPrefix } from './accepted-prefix.js';
import { briefly } from './briefly.js';
import { tlsOptions } from '../../settings-file/tls-options.js';

interface Open {
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  /** Rejects when the connection or the channel is gone. */
  readonly gone: Promise<never>;
  /** Ids of messages that the exchange had no queue for. */
  readonly returned: Set<string>;
  readonly alive: () => boolean;
}

/** Milliseconds. */
const connectTimeout = 10_000;

/** RabbitMQ and its kin: a topic exchange, persistent messages, each confirmed by the broker. */
export function createAmqp091Sink(settings: Amqp091Settings, environment: Environment): MessageSink {
  const { exchange, mandatory } = settings;
  let opening: Promise<Open> | undefined;

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

  /** A connection that was lost while there was nothing to do is no failure. */
  async function connected(): Promise<Open> {
    const known = await opening;
    if (known?.alive() === false) await close();
    return (opening ??= open(settings, environment));
  }

  async function publish(messages: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult> {
    const current = await connected();
    signal.throwIfAborted();
    return acceptedPrefix(messages.map((message) => Promise.race([publishOne(current, message), current.gone])));
  }

  async function close(): Promise<void> {
    const current = opening;
    opening = undefined;
    if (current !== undefined) await briefly(current.then(({ connection }) => connection.close()));
  }

  return { name: settings.name, type: settings.type, from: settings.from, batch: 100, publish, close };
}

async function open(settings: Amqp091Settings, environment: Environment): Promise<Open> {
  const url = new URL(settings.url);
  if (url.searchParams.get('heartbeat') === null) url.searchParams.set('heartbeat', String(settings.heartbeat));
  const connection = await connect(url.href, {
    ...(await tlsOptions(settings.tls, environment)),
    ...(await login(settings, environment)),
    timeout: connectTimeout,
    noDelay: true,
    clientProperties: { connection_name: 'millrace' },
  });
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => undefined); // nobody may be waiting when it goes
  let alive = true;
  const lost = (error?: unknown): void => {
    alive = false;
    reject(new Error(error === undefined ? 'the broker closed the connection' : `lost the broker: ${errorMessage(error)}`));
  };
  connection.on('error', lost);
  connection.on('close', lost);
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', lost);
    channel.on('close', () => lost());
    const returned = new Set<string>();
    channel.on('return', ({ properties }) => returned.add(String(properties.messageId)));
    if (settings.declare) await channel.assertExchange(settings.exchange, 'topic', { durable: true });
    else await channel.checkExchange(settings.exchange);
    return { connection, channel, gone, returned, alive: () => alive };
  } catch (error) {
    connection.close().catch(() => undefined);
    throw error;
  }
}

async function login(settings: Amqp091Settings, environment: Environment): Promise<Pick<SocketOptions, 'credentials'>> {
  if (settings.sasl === 'external') return { credentials: credentials.external() };
  if (settings.username === undefined || settings.password === undefined) return {};
  return { credentials: credentials.plain(settings.username, await readSecret(settings.password, environment)) };
}
