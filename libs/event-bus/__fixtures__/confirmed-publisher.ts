import { connect, type ConfirmChannel, type Options } from 'amqplib';

export interface ConfirmedPublisher {
  /** Ids that the broker has confirmed: it answers for these. */
  readonly confirmed: Set<string>;
  /** Ids that were sent, confirmed or not, again where the connection was lost. */
  readonly sent: Set<string>;
  /** Publishes until each is confirmed, over as many connections as it takes. */
  publish(ids: readonly string[]): Promise<void>;
}

export interface ConfirmedPublisherOptions {
  readonly url: string;
  readonly exchange: string;
  readonly topicOf: (id: string) => string;
}

/** A sender that repeats what the broker has not confirmed, as well-behaved senders do. */
export function confirmedPublisher({ url, exchange, topicOf }: ConfirmedPublisherOptions): ConfirmedPublisher {
  const confirmed = new Set<string>();
  const sent = new Set<string>();

  async function attempt(ids: readonly string[]): Promise<void> {
    const connection = await connect(url, { timeout: 2000 });
    connection.on('error', () => undefined);
    try {
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => undefined);
      channel.setMaxListeners(0);
      await Promise.all(ids.map((id) => publishOne(channel, id)));
    } finally {
      await connection.close().catch(() => undefined);
    }
  }

  function publishOne(channel: ConfirmChannel, id: string): Promise<void> {
    const options: Options.Publish = { persistent: true, messageId: id, contentType: 'application/json', contentEncoding: 'utf-8', headers: { fedora_messaging_schema: 'base.message', fedora_messaging_severity: 20 } };
    sent.add(id);
    return new Promise((resolve, reject) => {
      channel.once('close', () => reject(new Error('closed')));
      channel.publish(exchange, topicOf(id), Buffer.from(JSON.stringify({ id })), options, (error: unknown) => {
        if (error !== null && error !== undefined) return reject(new Error('not confirmed'));
        confirmed.add(id);
        resolve();
      });
    });
  }

  return {
    confirmed,
    sent,
    async publish(ids) {
      for (let missing = ids; missing.length > 0; missing = ids.filter((id) => !confirmed.has(id))) await attempt(missing).catch(() => new Promise((resolve) => setTimeout(resolve, 100)));
    },
  };
}
