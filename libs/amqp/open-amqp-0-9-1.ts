import { connect, credentials, type Channel, type ChannelModel, type SocketOptions } from 'amqplib';
import { errorMessage } from '../errors/error-message.js';
import { readSecret } from '../settings-file/read-secret.js';
import { tlsOptions } from '../settings-file/tls-options.js';
import type { Environment } from '../settings/settings.js';
import type { Amqp091Broker } from './amqp-schemas.js';

export interface OpenAmqp091<Kind extends Channel> {
  readonly connection: ChannelModel;
  readonly channel: Kind;
  /** Rejects when the connection or the channel is gone. */
  readonly gone: Promise<never>;
  readonly alive: () => boolean;
}

export interface ChannelPreparation<Kind extends Channel> {
  readonly create: (connection: ChannelModel) => Promise<Kind>;
  /** Declares or checks what is used. */
  readonly prepare: (channel: Kind) => Promise<unknown>;
}

/** Milliseconds. */
const connectTimeout = 10_000;

/** A connection with one channel. Rejects with what the broker says, without secrets. */
export async function openAmqp091<Kind extends Channel>(broker: Amqp091Broker, environment: Environment, { create, prepare }: ChannelPreparation<Kind>): Promise<OpenAmqp091<Kind>> {
  const url = new URL(broker.url);
  if (url.searchParams.get('heartbeat') === null) url.searchParams.set('heartbeat', String(broker.heartbeat));
  const connection = await connect(url.href, {
    ...(await tlsOptions(broker.tls, environment)),
    ...(await login(broker, environment)),
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
    const channel = await create(connection);
    channel.on('error', lost);
    channel.on('close', () => lost());
    await prepare(channel);
    return { connection, channel, gone, alive: () => alive };
  } catch (error) {
    connection.close().catch(() => undefined);
    throw error;
  }
}

async function login(broker: Amqp091Broker, environment: Environment): Promise<Pick<SocketOptions, 'credentials'>> {
  if (broker.sasl === 'external') return { credentials: credentials.external() };
  if (broker.username === undefined || broker.password === undefined) return {};
  return { credentials: credentials.plain(broker.username, await readSecret(broker.password, environment)) };
}
