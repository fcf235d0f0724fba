import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { NameAge } from '../../../libs/compose-names/name-ages.js';

/** By name, which operators and rules give: some dozens. A scrape without the record has none. */
export function addNameMetrics(registry: Registry, read: () => Promise<readonly NameAge[]>): void {
  new Gauge({
    name: 'millrace_compose_name_age_seconds',
    help: 'Time since the compose was made that a stable name points at.',
    labelNames: ['name'] as const,
    registers: [registry],
    async collect() {
      this.reset();
      for (const { name, seconds } of await read()) this.set({ name }, seconds);
    },
  });
}
