import type { Environment } from '../settings/settings.js';
import type { MessageSink } from './message-sink.js';
import type { SecretPlace } from '../settings-file/common-schemas.js';
import { readSecret } from '../settings-file/read-secret.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { standardWebhook } from '../settings-file/standard-webhook.js';
import { tlsOptions } from '../settings-file/tls-options.js';
import { messageSettingsFile, type SinkSettings } from './message-settings-schema.js';
import { createAmqp091Sink } from './sinks/amqp-0-9-1-sink.js';
import { createAmqp10Sink } from './sinks/amqp-1-0-sink.js';
import { createKafkaSink } from './sinks/kafka-sink.js';
import { createWebhookSink } from './sinks/webhook-sink.js';

export interface OpenSinksOptions {
  /** Where `env:` secrets are looked up. */
  readonly environment: Environment;
  /** Ports of the service itself on this machine: no webhook goes there. */
  readonly forbiddenPorts: readonly number[];
}

export interface MessageSinks {
  readonly sinks: readonly MessageSink[];
  /** Days. */
  readonly retention: number;
}

/** Reads the settings of messages and all that they name; nothing is connected yet. Without a file there is no sink. Errors: `invalid-setting`. */
export async function openMessageSinks(file: string | undefined, options: OpenSinksOptions): Promise<MessageSinks> {
  if (file === undefined) return { sinks: [], retention: 7 };
  const { sinks, retention } = await readSettingsFile(file, messageSettingsFile);
  for (const sink of sinks) await checkSecrets(sink, options.environment);
  return { sinks: sinks.map((sink) => createSink(sink, options)), retention };
}

export function createSink(sink: SinkSettings, options: OpenSinksOptions): MessageSink {
  switch (sink.type) {
    case 'amqp-0-9-1':
      return createAmqp091Sink(sink, options.environment);
    case 'amqp-1.0':
      return createAmqp10Sink(sink, options.environment);
    case 'kafka':
      return createKafkaSink(sink, options.environment);
    case 'webhook':
      return createWebhookSink(sink, options);
  }
}

/** A mistake is told at the start, not at the first message. */
async function checkSecrets(sink: SinkSettings, environment: Environment): Promise<void> {
  if (sink.type === 'webhook') for (const place of sink.secrets) standardWebhook(await readSecret(place, environment));
  for (const place of secretsOf(sink)) await readSecret(place, environment);
  if (sink.type !== 'webhook' && typeof sink.tls === 'object') await tlsOptions(sink.tls, environment);
}

function secretsOf(sink: SinkSettings): readonly SecretPlace[] {
  if (sink.type === 'webhook') return sink.secrets;
  if (sink.type === 'kafka') return sink.sasl === undefined ? [] : [sink.sasl.password];
  return sink.password === undefined ? [] : [sink.password];
}
