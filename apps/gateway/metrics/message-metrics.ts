import { Gauge, type Registry } from 'prom-client';
import type { MessageBacklog } from '../../../libs/messaging/message-backlog.js';

type Figure = 'pending' | 'oldestSeconds' | 'delivered' | 'skipped' | 'expired' | 'attempts';

const figures: readonly (readonly [name: string, figure: Figure, help: string])[] = [
  ['millrace_messages_pending', 'pending', 'Messages that a sink has not got yet.'],
  ['millrace_messages_oldest_pending_seconds', 'oldestSeconds', 'Age of the oldest of them; 0 when there is none.'],
  ['millrace_messages_delivered_total', 'delivered', 'Messages that a sink has taken.'],
  ['millrace_messages_skipped_total', 'skipped', 'Messages that a sink refused for good.'],
  ['millrace_messages_expired_total', 'expired', 'Messages that were removed for their age before a sink had taken them.'],
  ['millrace_messages_failures', 'attempts', 'Failed deliveries to a sink since the last that worked.'],
];

/** By sink, as the settings name them: a few values. A scrape without the record has none of these. */
export function addMessageMetrics(registry: Registry, read: () => Promise<readonly MessageBacklog[] | undefined>): void {
  for (const [name, figure, help] of figures) {
    new Gauge({
      name,
      help,
      labelNames: ['sink'] as const,
      registers: [registry],
      async collect() {
        this.reset();
        for (const backlog of (await read()) ?? []) this.set({ sink: backlog.sink }, backlog[figure]);
      },
    });
  }
}
