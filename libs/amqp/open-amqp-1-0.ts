import rhea from 'rhea';
import type { Connection, ConnectionOptions, EventContext, Receiver, Sender } from 'rhea';
import { readSecret } from '../settings-file/read-secret.js';
import { tlsOptions } from '../settings-file/tls-options.js';
import type { Environment } from '../settings/settings.js';
import type { Amqp10Broker } from './amqp-schemas.js';

export interface OpenAmqp10<Link extends Sender | Receiver> {
  readonly connection: Connection;
  readonly link: Link;
  /** Rejects when the connection or the link is gone. */
  readonly gone: Promise<never>;
  readonly alive: () => boolean;
}

export interface LinkPreparation<Link extends Sender | Receiver> {
  readonly address: string;
  /** Attaches the link, and listens to what comes on it. */
  readonly attach: (connection: Connection) => Link;
}

/** Milliseconds: half of it without a frame from the broker, and the connection counts as lost. */
const idleTimeout = 30_000;
const connectTimeout = 10_000;

/** A connection with one link, which the other side has attached, too. Rejects with what the broker says, without secrets. */
export async function openAmqp10<Link extends Sender | Receiver>(broker: Amqp10Broker, environment: Environment, { address, attach }: LinkPreparation<Link>): Promise<OpenAmqp10<Link>> {
  const connection = rhea.create_container().connect(await connectionOptions(broker, environment));
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => undefined); // nobody may be waiting when it goes
  let alive = true;
  const lost = (what: string) => (context: EventContext | Error): void => {
    alive = false;
    const error = errorOf(context);
    const detail = [error?.condition, error?.description ?? error?.message].filter((part) => typeof part === 'string' && part !== '').join(': ');
    reject(new Error(detail === '' ? what : `${what}: ${detail}`));
  };
  connection.on('connection_error', lost('the broker closed the connection'));
  connection.on('connection_close', lost('the broker closed the connection'));
  connection.on('disconnected', lost('lost the broker'));
  connection.on('protocol_error', lost('the broker does not speak AMQP 1.0'));
  connection.on('error', lost('lost the broker'));
  connection.on('session_error', lost('the broker closed the session'));
  connection.on('session_close', lost('the broker closed the session'));
  const link = attach(connection);
  const role = link.is_sender() ? 'sender' : 'receiver';
  for (const event of [`${role}_error`, `${role}_close`, 'session_error', 'session_close']) link.on(event, lost(`the broker closed the link to ${address}`));
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      gone,
      new Promise<void>((resolve) => link.once(`${role}_open`, () => resolve())),
      new Promise<never>((_resolve, refuse) => {
        timer = setTimeout(() => refuse(new Error(`no answer within ${connectTimeout / 1000} s`)), connectTimeout);
      }),
    ]);
    return { connection, link, gone, alive: () => alive };
  } catch (error) {
    void closed(connection);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the connection politely, when there still is one. */
export async function closeAmqp10({ connection, alive }: Pick<OpenAmqp10<Sender | Receiver>, 'connection' | 'alive'>): Promise<void> {
  if (alive()) await closed(connection);
  else connection.close();
}

async function connectionOptions(broker: Amqp10Broker, environment: Environment): Promise<ConnectionOptions> {
  const url = new URL(broker.url);
  const secure = url.protocol === 'amqps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const password = broker.password === undefined ? undefined : await readSecret(broker.password, environment);
  const user =
    broker.sasl === 'plain' && broker.username !== undefined ? { username: broker.username, ...(password === undefined ? {} : { password }) }
    : broker.sasl === 'anonymous' ? { username: 'anonymous' }
    : {};
  const rest = { host, port: Number(url.port === '' ? (secure ? 5671 : 5672) : url.port), container_id: 'millrace', reconnect: false, idle_time_out: idleTimeout, ...user };
  if (!secure) return { ...rest, transport: 'tcp' };
  return { ...rest, transport: 'tls', servername: host, ...(broker.sasl === 'external' ? { enable_sasl_external: true } : {}), ...(await tlsOptions(broker.tls, environment)) };
}

interface ConditionShape {
  readonly condition?: unknown;
  readonly description?: unknown;
  readonly message?: unknown;
}

/** The library puts it where it happened; of what goes wrong in itself it hands over the error alone. */
function errorOf(context: EventContext | Error): ConditionShape | undefined {
  if (!('connection' in context)) return context;
  const { error, sender, receiver, session, connection } = context;
  return error ?? sender?.error ?? receiver?.error ?? session?.error ?? connection.error;
}

function closed(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.once('connection_close', () => resolve());
    connection.once('disconnected', () => resolve());
    connection.close();
  });
}
