import { Gauge, Registry } from 'prom-client';
import { composeStates, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';
import type { ComposeTotals } from '../gateway-ports.js';

/**
 * What ODCS's dashboards read, by its own names, as far as it means something here: all composes by type and state, and the length of its queue of
 * generations. The rest of what they may ask for is about the workers of ODCS's own queue.
 */
export async function odcsMetrics(totals: () => Promise<ComposeTotals>): Promise<{ readonly contentType: string; readonly text: string }> {
  const counts = await totals();
  const registry = new Registry();
  const composes = new Gauge({ name: 'composes_total', help: 'Total number of composes', labelNames: ['source_type', 'state'] as const, registers: [registry] });
  for (const source_type of Object.keys(sourceTypes)) for (const state of Object.keys(composeStates)) composes.set({ source_type, state }, 0);
  for (const { sourceType, state, count } of counts) composes.set({ source_type: sourceType, state }, count);
  const waiting = counts.filter(({ state }) => state === 'wait').reduce((sum, { count }) => sum + count, 0);
  new Gauge({ name: 'celery_queue_length', help: 'Number of tasks in the queue.', labelNames: ['queue_name'] as const, registers: [registry] }).set({ queue_name: 'pungi_composes' }, waiting);
  return { contentType: registry.contentType, text: await registry.metrics() };
}
