import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { addBusMetrics, addMessageMetrics, addRepositoryMetrics } from './record-metrics.js';

const backlog = { sink: 'bus', pending: 3, oldestSeconds: 12.5, delivered: 40, skipped: 1, expired: 2, attempts: 5, lastError: 'a text that is no label' };

describe('metrics of messages', () => {
  it('have one value a sink, and no error texts', async () => {
    const registry = new Registry();
    addMessageMetrics(registry, () => Promise.resolve([backlog, { ...backlog, sink: 'hook', pending: 0 }]));
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('{'));
    expect(lines).toEqual([
      'millrace_messages_pending{sink="bus"} 3',
      'millrace_messages_pending{sink="hook"} 0',
      ...['oldest_pending_seconds', 'delivered_total', 'skipped_total', 'expired_total', 'failures'].flatMap((name, index) =>
        ['bus', 'hook'].map((sink) => `millrace_messages_${name}{sink="${sink}"} ${[12.5, 40, 1, 2, 5][index]}`),
      ),
    ]);
  });

  it('have one value a bus', async () => {
    const registry = new Registry();
    addBusMetrics(registry, () => Promise.resolve([{ bus: 'fedora', received: 9, repeated: 2, parked: 3, waiting: 1, receivedAt: 1_700_000_000.5 }]));
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('{'));
    expect(lines).toEqual(['received_total', 'repeated_total', 'parked_total', 'parked'].map((name, index) => `millrace_bus_messages_${name}{bus="fedora"} ${[9, 2, 3, 1][index]}`).concat('millrace_bus_last_message_timestamp_seconds{bus="fedora"} 1700000000.5'));
  });

  it('have one value a repository', async () => {
    const registry = new Registry();
    addRepositoryMetrics(registry, () => Promise.resolve([{ repository: 'stable', state: 7, packages: 1200, bytes: 3e9, waiting: 2, oldestSeconds: 40, lastSeconds: 1.5, lastFailed: true, publishedAt: 1_700_000_000.5, uploads: 3, uploadBytes: 4096 }]));
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('{'));
    const values = { state: 7, published_timestamp_seconds: 1_700_000_000.5, packages: 1200, bytes: 3e9, changes_waiting: 2, oldest_change_seconds: 40, last_change_seconds: 1.5, last_change_failed: 1, uploads_waiting: 3, upload_bytes: 4096 };
    expect(lines).toEqual(Object.entries(values).map(([name, value]) => `millrace_repository_${name}{repository="stable"} ${value}`));
  });

  it('are left out while the record is away', async () => {
    const registry = new Registry();
    addMessageMetrics(registry, () => Promise.resolve(undefined));
    expect((await registry.metrics()).split('\n').filter((line) => line.includes('{'))).toEqual([]);
  });
});
