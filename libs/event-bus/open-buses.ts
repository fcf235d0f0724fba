import { z } from 'zod';
import { readSecret } from '../settings-file/read-secret.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { standardWebhook } from '../settings-file/standard-webhook.js';
import { tlsOptions } from '../settings-file/tls-options.js';
import type { Environment } from '../settings/settings.js';
import { busFileKeys, type BusSettings } from './bus-schema.js';
import type { BusConsumer } from './bus-consumer.js';
import { createAmqp091Consumer } from './consumers/amqp-0-9-1-consumer.js';
import { createAmqp10Consumer } from './consumers/amqp-1-0-consumer.js';
import { createWebhookReceiver, type WebhookReceiver } from './webhooks/webhook-receiver.js';

/** Days. */
export interface MessageRetention {
  readonly messages: number;
  readonly parked: number;
}

/** The rules beside the buses are read by whoever runs them. */
const busFile = { schema: z.strictObject({ ...busFileKeys, rules: z.unknown().optional() }), variable: 'MILLRACE_COMPOSE_RULES', page: 'docs/reference/compose-buses.md' } as const;

/** For a worker: buses that messages are taken from; nothing is connected yet. Errors: `invalid-setting`. */
export async function openConsumers(file: string | undefined, environment: Environment): Promise<{ readonly consumers: readonly BusConsumer[]; readonly retention: MessageRetention }> {
  const { buses, retention } = await readBuses(file);
  const consumers: BusConsumer[] = [];
  for (const bus of buses) {
    if (bus.type === 'webhook') continue;
    if (bus.password !== undefined) await readSecret(bus.password, environment);
    await tlsOptions(bus.tls, environment);
    consumers.push(bus.type === 'amqp-1.0' ? createAmqp10Consumer(bus, environment) : createAmqp091Consumer(bus, environment));
  }
  return { consumers, retention };
}

/** For a gateway: by the name of the bus. Errors: `invalid-setting`. */
export async function openWebhooks(file: string | undefined, environment: Environment): Promise<ReadonlyMap<string, WebhookReceiver>> {
  const webhooks = new Map<string, WebhookReceiver>();
  for (const bus of (await readBuses(file)).buses) {
    if (bus.type !== 'webhook') continue;
    for (const place of bus.verify.secrets) {
      const secret = await readSecret(place, environment);
      if (bus.verify.kind === 'standard-webhooks') standardWebhook(secret);
    }
    webhooks.set(bus.name, createWebhookReceiver(bus, environment));
  }
  return webhooks;
}

async function readBuses(file: string | undefined): Promise<{ readonly buses: readonly BusSettings[]; readonly retention: MessageRetention }> {
  const { buses, retention, 'parked-retention': parked } = file === undefined ? { buses: [], retention: 14, 'parked-retention': 90 } : await readSettingsFile(file, busFile);
  return { buses, retention: { messages: retention, parked } };
}
