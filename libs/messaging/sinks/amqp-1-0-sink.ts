import rhea from 'rhea';
import type { Connection, Delivery, EventContext, Sender } from 'rhea';
import { keepOpen } from '../../amqp/keep-open.js';
import { closeAmqp10, openAmqp10, type OpenAmqp10 } from '../../amqp/open-amqp-1-0.js';
import { errorMessage } from '../../errors/error-message.js';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { Amqp10Settings } from '../message-settings-schema.js';
import { acceptedPrefix } from './accepted-prefix.js';

type Answers = Map<Delivery, { resolve(): void; reject(error: Error): void }>;

interface Open extends OpenAmqp10<Sender> {
  readonly answers: Answers;
}

/** A sender link; a message is delivered when the broker has settled it as accepted. */
export function createAmqp10Sink(settings: Amqp10Settings, environment: Environment): MessageSink {
  const { connected, close } = keepOpen(() => open(settings, environment), closeAmqp10);

  function sendOne({ link, answers }: Open, message: DeliverableMessage): Promise<void> {
    const delivery = link.send({
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

  async function publish(messages: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult> {
    const current = await connected();
    const answers: Promise<unknown>[] = [];
    try {
      for (const message of messages) {
        signal.throwIfAborted();
        await Promise.race([untilSendable(current.link, signal), current.gone]);
        answers.push(Promise.race([sendOne(current, message), current.gone]));
      }
    } catch (error) {
      answers.push(Promise.reject(new Error(errorMessage(error))));
    }
    return acceptedPrefix(answers);
  }

  return { name: settings.name, type: settings.type, from: settings.from, batch: 100, publish, close };
}

async function open(settings: Amqp10Settings, environment: Environment): Promise<Open> {
  const answers: Answers = new Map();
  const attach = (connection: Connection): Sender => {
    const sender = connection.open_sender({ target: { address: settings.address, durable: 2 }, snd_settle_mode: 0 });
    sender.on('accepted', settle(undefined));
    sender.on('rejected', settle('rejected'));
    sender.on('released', settle('released'));
    sender.on('modified', settle('did not take'));
    return sender;
  };
  const settle = (outcome: string | undefined) => (context: EventContext): void => {
    const { delivery } = context;
    const answer = delivery === undefined ? undefined : answers.get(delivery);
    if (delivery === undefined || answer === undefined) return;
    answers.delete(delivery);
    if (outcome === undefined) answer.resolve();
    else answer.reject(new Error(`the broker ${outcome} the message at ${settings.address}`));
  };
  return { ...(await openAmqp10(settings, environment, { address: settings.address, attach })), answers };
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
