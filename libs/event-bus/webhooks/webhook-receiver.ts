import { findValues } from '../../compose-rules/json-path.js';
import type { Environment } from '../../settings/settings.js';
import type { WebhookBus } from '../bus-schema.js';
import { isUnreadable, readBusMessage, type RawMessage } from '../read-bus-message.js';
import { verifyWebhook, type WebhookRequest } from './verify-webhook.js';

export interface WebhookReceiver {
  readonly name: string;
  /** Errors: `unauthorized`; `invalid-setting` for a secret that is not there. */
  receive(request: WebhookRequest): Promise<RawMessage>;
}

/** Steps that the path of a topic may take. */
const pathSteps = 100_000;

export function createWebhookReceiver(settings: WebhookBus, environment: Environment): WebhookReceiver {
  return {
    name: settings.name,
    async receive(request) {
      await verifyWebhook(settings.verify, request, environment);
      const { headers, body: bytes } = request;
      const raw = { bus: settings.name, id: idOf(settings, headers), topic: settings.name, encoding: headers['content-encoding'] ?? null, bytes };
      const topic = topicOf(settings, raw, headers);
      return topic === undefined ? { ...raw, unreadable: 'it has no topic where topic: of the bus says' } : { ...raw, topic };
    },
  };
}

/** Standard Webhooks sign the id; other senders do not. */
function idOf({ verify, 'id-header': header }: WebhookBus, headers: WebhookRequest['headers']): string | null {
  const name = verify.kind === 'standard-webhooks' ? 'webhook-id' : header;
  return name === undefined ? null : (headers[name] ?? null);
}

/** Undefined: there is none. What cannot be read at all says so by itself, under the name of the bus. */
function topicOf({ topic }: WebhookBus, raw: RawMessage, headers: WebhookRequest['headers']): string | undefined {
  if ('fixed' in topic) return topic.fixed;
  if ('header' in topic) {
    const value = headers[topic.header];
    return value === undefined || value === '' ? undefined : topic.prefix + value;
  }
  try {
    const found = findValues(topic.path, readBusMessage(raw).body, { left: pathSteps })[0];
    return typeof found === 'string' ? topic.prefix + found : undefined;
  } catch (error) {
    if (isUnreadable(error)) return raw.topic;
    throw error;
  }
}
