import { Agent, request, type buildConnector } from 'undici';
import { errorMessage } from '../../errors/error-message.js';
import { createUpstreamConnector } from '../../proxy/upstream/connect.js';
import { createDestinationGuard } from '../../proxy/upstream/destination-guard.js';
import type { Environment } from '../../settings/settings.js';
import type { DeliverableMessage, MessageSink, PublishResult } from '../message-sink.js';
import type { WebhookSettings } from '../message-settings-schema.js';
import { readSecret } from '../../settings-file/read-secret.js';
import { standardWebhook } from '../../settings-file/standard-webhook.js';

export interface WebhookSinkOptions {
  readonly environment: Environment;
  /** Ports of the service itself on this machine: never posted to. */
  readonly forbiddenPorts: readonly number[];
}

/** Milliseconds for the whole of one request. */
const timeout = 15_000;
/** Bytes of an answer that are read, to keep the connection; nothing is done with them. */
const answerLimit = 64 * 1024;
/** What a receiver may answer differently next time: timeout, conflict, too early, too many. */
const passing = new Set([408, 409, 425, 429]);

/** POSTs each message, signed as Standard Webhooks say. */
export function createWebhookSink(settings: WebhookSettings, { environment, forbiddenPorts }: WebhookSinkOptions): MessageSink {
  const guard = createDestinationGuard({ allow: settings['allow-destinations'], forbiddenPorts });
  const upstream = createUpstreamConnector({ guard, caFile: settings['ca-file'] });
  let agent: Agent | undefined;

  const connect: buildConnector.connector = ({ protocol, hostname, port }, callback) => {
    const secure = protocol === 'https:';
    const host = hostname.replace(/^\[|\]$/g, '');
    void upstream.connect({ scheme: secure ? 'https' : 'http', host, port: port === '' ? (secure ? 443 : 80) : Number(port) }).then((result) => {
      if (result.ok) callback(null, result.socket);
      else callback(new Error(result.rule === 'destination' ? `${result.reason}; allow-destinations of this sink may allow it` : result.reason), null);
    });
  };

  async function post(message: DeliverableMessage, signal: AbortSignal): Promise<PublishResult> {
    agent ??= new Agent({ connect, allowH2: false, pipelining: 1, connections: 1, keepAliveTimeout: 10_000 });
    const now = new Date();
    const signatures: string[] = [];
    for (const place of settings.secrets) signatures.push(sign(await readSecret(place, environment), message, now));
    const { statusCode, body } = await request(settings.url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'millrace',
        'webhook-id': message.messageId,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': signatures.join(' '),
      },
      body: message.body,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    await body.dump({ limit: answerLimit }).catch(() => undefined);
    if (statusCode >= 200 && statusCode < 300) return { accepted: 1 };
    if (statusCode >= 300 && statusCode < 400) return { accepted: 0, failure: { reason: `the receiver answered ${statusCode}: redirects are not followed, write the new URL into the settings` } };
    return { accepted: 0, failure: { reason: `the receiver answered ${statusCode}`, refused: statusCode < 500 && !passing.has(statusCode) } };
  }

  async function publish([message]: readonly DeliverableMessage[], signal: AbortSignal): Promise<PublishResult> {
    if (message === undefined) return { accepted: 0 };
    try {
      return await post(message, signal);
    } catch (error) {
      return { accepted: 0, failure: { reason: (error as Error).name === 'TimeoutError' ? `no answer within ${timeout / 1000} s` : errorMessage(error) } };
    }
  }

  async function close(): Promise<void> {
    const current = agent;
    agent = undefined;
    await current?.destroy().catch(() => undefined);
  }

  // One at a time: each is answered by itself, and the next waits for that.
  return { name: settings.name, type: settings.type, from: settings.from, batch: 1, publish, close };
}

function sign(secret: string, { messageId, body }: DeliverableMessage, at: Date): string {
  return standardWebhook(secret).sign(messageId, at, body);
}
