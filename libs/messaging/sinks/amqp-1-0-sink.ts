import rhea from 'rhea';
import type { Connection, ConnectionOptions, Delivery, EventContext, Sender } from 'rhea';
import { errorMessage } from '../../errors/error-message.js';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { Amqp10Settings } from '../message-settings-schema.js';
import { readSecret } from '../../settings-file/read-secret.js';
import { acceptedPrefix } from './accepted-prefix.js';
import { briefly } from './briefly.js';
import { tlsOptions } from '../../settings-file/tls-options.js';

interface Open {
  readonly connection: Connection;
  readonly sender: Sender;
  /** Rejects when the connection or the link is gone. */
  readonly gone: Promise<never>;
  readonly answers: Map<Delivery, { resolve(): void; reject(error: Error): void }>;
  readonly alive: () => boolean;
}

/** Milliseconds: half of it without a frame from the broker, and the connection counts as lost. */
const idleTimeout = 30_000;
const connectTimeout = 10_000;

/** A sender link; a message is delivered when the broker has settled it as accepted. */
export function createAmqp10Sink(settings: Amqp10Settings, environment: Environment): MessageSink {
  let opening: Promise<Open> | undefined;

  function sendOne({ sender, answers }: Open, message: DeliverableMessage): Promise<void> {
    const delivery = sender.send({
      message_id: message.messageId,
      subject: message.topic,
      content_type: 'application/json',
      creation_time: new Date(message.createdAt * 1000),
      durable: true,
      application_properties: { 'stream-id': message.streamId, topic: message.topic },
      body: rhea.message.data_section(Buffer.from(message.body)) as unknown,
    });
    return new Promise((resolve, reject) => answers.set(delivery, { resolve, reject }));
  }

  /** A connection that was lost while there was nothing to do is no failure. */
  async function connected(): Promise<Open> {
    const known = await opening;
    if (known?.alive() === false) await close();
    return (opening ??= open(settings, environment));
  }

  async function publish(messages: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult> {
    const current = await connected();
    const answers: Promise<unknown>[] = [];
    try {
      for (const message of messages) {
        signal.throwIfAborted();
        await Promise.race([untilSendable(current.sender, signal), current.gone]);
        answers.push(Promise.race([sendOne(current, message), current.gone]));
      }
    } catch (error) {
      answers.push(Promise.reject(new Error(errorMessage(error))));
    }
    return acceptedPrefix(answers);
  }

  async function close(): Promise<void> {
    const current = opening;
    opening = undefined;
    if (current !== undefined) await briefly(current.then(({ connection, alive }) => (alive() ? closed(connection) : void connection.close())));
  }

  return { name: settings.name, type: settings.type, from: settings.from, batch: 100, publish, close };
}

async function open(settings: Amqp10Settings, environment: Environment): Promise<Open> {
  const options = await connectionOptions(settings, environment);
  const connection = rhea.create_container().connect(options);
  const { promise: gone, reject } = Promise.withResolvers<never>();
  gone.catch(() => undefined); // nobody may be waiting when it goes
  let alive = true;
  const lost = (what: string) => (context: EventContext): void => {
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
  const answers: Open['answers'] = new Map();
  const sender = connection.open_sender({ target: { address: settings.address, durable: 2 }, snd_settle_mode: 0 });
  for (const event of ['sender_error', 'sender_close', 'session_error', 'session_close'] as const) sender.on(event, lost(`the broker closed the link to ${settings.address}`));
  connection.on('session_error', lost('the broker closed the session'));
  connection.on('session_close', lost('the broker closed the session'));
  const settle = (outcome: string | undefined) => (context: EventContext): void => {
    const { delivery } = context;
    const answer = delivery === undefined ? undefined : answers.get(delivery);
    if (delivery === undefined || answer === undefined) return;
    answers.delete(delivery);
    if (outcome === undefined) answer.resolve();
    else answer.reject(new Error(`the broker ${outcome} the message at ${settings.address}`));
  };
  sender.on('accepted', settle(undefined));
  sender.on('rejected', settle('rejected'));
  sender.on('released', settle('released'));
  sender.on('modified', settle('did not take'));
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.race([
      gone,
      new Promise<void>((resolve) => sender.once('sender_open', () => resolve())),
      new Promise<never>((_resolve, refuse) => {
        timer = setTimeout(() => refuse(new Error(`no answer within ${connectTimeout / 1000} s`)), connectTimeout);
      }),
    ]);
    return { connection, sender, gone, answers, alive: () => alive };
  } catch (error) {
    void closed(connection);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function connectionOptions(settings: Amqp10Settings, environment: Environment): Promise<ConnectionOptions> {
  const url = new URL(settings.url);
  const secure = url.protocol === 'amqps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const password = settings.password === undefined ? undefined : await readSecret(settings.password, environment);
  const user =
    settings.sasl === 'plain' && settings.username !== undefined ? { username: settings.username, ...(password === undefined ? {} : { password }) }
    : settings.sasl === 'anonymous' ? { username: 'anonymous' }
    : {};
  const rest = { host, port: Number(url.port === '' ? (secure ? 5671 : 5672) : url.port), container_id: 'millrace', reconnect: false, idle_time_out: idleTimeout, ...user };
  if (!secure) return { ...rest, transport: 'tcp' };
  return { ...rest, transport: 'tls', servername: host, ...(settings.sasl === 'external' ? { enable_sasl_external: true } : {}), ...(await tlsOptions(settings.tls, environment)) };
}

interface ConditionShape {
  readonly condition?: unknown;
  readonly description?: unknown;
  readonly message?: unknown;
}

/** The library puts it where it happened. */
function errorOf({ error, sender, session, connection }: EventContext): ConditionShape | undefined {
  return (error ?? sender?.error ?? session?.error ?? connection.error);
}

function untilSendable(sender: Sender, signal: AbortSignal): Promise<void> {
  if (sender.sendable()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onSendable = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = (): void => {
      sender.removeListener('sendable', onSendable);
      reject(new Error('the broker gave no credit'));
    };
    sender.once('sendable', onSendable);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function closed(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    connection.once('connection_close', () => resolve());
    connection.once('disconnected', () => resolve());
    connection.close();
  });
}
