import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { composeStates } from '../../../libs/compose/compose-vocabulary.js';
import type { ComposeReads } from '../../../libs/compose-record/compose-commands.js';
import type { NameAge } from '../../../libs/compose-names/name-ages.js';
import type { MessageBacklog } from '../../../libs/messaging/message-backlog.js';
import type { RepositoryTotals } from '../../../libs/repository-record/repository-totals.js';
import type { RecordedRule } from '../../../libs/rule-record/create-rule-record.js';
import type { BusTotals } from '../../../libs/rule-record/bus-totals.js';
import type { ComposeTotals, SessionReads } from '../gateway-ports.js';
import { recordTimeout } from '../http/answer-deadline.js';
import { withDeadline } from '../http/with-deadline.js';
import { addCacheMetrics, type CacheCounters, type MeasuredInstance } from './cache-metrics.js';
import { addBusMetrics, addMessageMetrics, addRepositoryMetrics, addRuleMetrics } from './record-metrics.js';
import { addNameMetrics } from './name-metrics.js';

export interface MeasuredReads {
  readonly sessions: Pick<SessionReads, 'countByState'>;
  readonly composes: Pick<ComposeReads, 'totals'>;
  readonly messageBacklog?: (() => Promise<readonly MessageBacklog[]>) | undefined;
  readonly nameAges?: (() => Promise<readonly NameAge[]>) | undefined;
  readonly busTotals: () => Promise<readonly BusTotals[]>;
  readonly rules: () => Promise<readonly RecordedRule[]>;
  readonly repositories: () => Promise<readonly RepositoryTotals[]>;
  readonly storage?: Registry | undefined;
  readonly caches: () => Promise<readonly MeasuredInstance[]>;
  /** Of the artifact cache. */
  readonly storeAnswers: () => Promise<boolean>;
}

const states = ['open', 'revoked', 'ended', 'expired'] as const;

/** Labels have few values each: routes are patterns, never paths; no session id, URL or digest. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly requestSeconds = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly sessionsOpened = new Counter({ name: 'millrace_sessions_opened_total', help: 'Sessions opened by this gateway.', labelNames: ['policy'] as const, registers: [this.registry] });

  readonly composesRequested = new Counter({ name: 'millrace_composes_requested_total', help: 'Composes asked for at this gateway, repeated requests aside.', labelNames: ['source_type'] as const, registers: [this.registry] });
  readonly logins = new Counter({ name: 'millrace_logins_total', help: 'Requests that showed credentials, by their kind and what became of them.', labelNames: ['by', 'outcome'] as const, registers: [this.registry] });
  /** Of the HTTP caches. */
  readonly caches: CacheCounters;
  readonly #storage: readonly Registry[];
  /** One query for all who ask at once; anybody may scrape. */
  readonly composeTotals: () => Promise<ComposeTotals>;

  constructor({ sessions: reads, composes, messageBacklog, nameAges, busTotals, rules, repositories, storage, caches, storeAnswers }: MeasuredReads, version: string) {
    this.#storage = storage === undefined ? [] : [storage];
    this.composeTotals = shareWhileRunning(() => withDeadline(composes.totals(), 2000, recordTimeout));
    collectDefaultMetrics({ register: this.registry });
    if (messageBacklog !== undefined) addMessageMetrics(this.registry, shareWhileRunning(() => withDeadline(messageBacklog(), 2000, recordTimeout).catch(() => undefined)));
    if (nameAges !== undefined) addNameMetrics(this.registry, () => withDeadline(nameAges(), 2000, recordTimeout).catch(() => []));
    this.caches = addCacheMetrics(this.registry, shareWhileRunning(() => withDeadline(caches(), 2000, recordTimeout).catch(() => undefined)), storeAnswers);
    addBusMetrics(this.registry, shareWhileRunning(() => withDeadline(busTotals(), 2000, recordTimeout).catch(() => undefined)));
    addRuleMetrics(this.registry, shareWhileRunning(() => withDeadline(rules(), 2000, recordTimeout).catch(() => undefined)));
    addRepositoryMetrics(this.registry, shareWhileRunning(() => withDeadline(repositories(), 2000, recordTimeout).catch(() => undefined)));
    new Gauge({ name: 'millrace_build_info', help: 'Always 1.', labelNames: ['version', 'node'] as const, registers: [this.registry] }).set({ version, node: process.versions.node }, 1);
    const count = shareWhileRunning(() => withDeadline(reads.countByState(), 2000, () => new Error('no answer in time')).catch(() => undefined));
    new Gauge({
      name: 'millrace_database_up',
      help: '1 when the record answered this scrape.',
      registers: [this.registry],
      async collect() {
        this.set((await count()) === undefined ? 0 : 1);
      },
    });
    new Gauge({
      name: 'millrace_sessions',
      help: 'Sessions in the record by state.',
      labelNames: ['state'] as const,
      registers: [this.registry],
      async collect() {
        this.reset();
        const counts = await count();
        if (counts !== undefined) for (const state of states) this.set({ state }, counts[state] ?? 0); // without the record the rest of the scrape is still worth having
      },
    });
    const totals = this.composeTotals;
    new Gauge({
      name: 'millrace_composes',
      help: 'Composes in the record by state.',
      labelNames: ['state'] as const,
      registers: [this.registry],
      async collect() {
        this.reset();
        const counts = await totals().catch(() => undefined);
        if (counts !== undefined) for (const state of Object.keys(composeStates)) this.set({ state }, counts.reduce((sum, each) => sum + (each.state === state ? each.count : 0), 0));
      },
    });
  }

  /** In the text format of Prometheus. */
  scrape(): Promise<string> {
    return Registry.merge([this.registry, ...this.#storage]).metrics();
  }
}

/** The gauges of one scrape are collected at once; they share one query. */
function shareWhileRunning<Value>(work: () => Promise<Value>): () => Promise<Value> {
  let running: Promise<Value> | undefined;
  return () => (running ??= work().finally(() => (running = undefined)));
}
