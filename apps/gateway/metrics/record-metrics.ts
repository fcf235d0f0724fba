import { Gauge, type Registry } from 'prom-client';
import type { MessageBacklog } from '../../../libs/messaging/message-backlog.js';
import type { RecordedRule } from '../../../libs/rule-record/create-rule-record.js';
import type { RepositoryTotals } from '../../../libs/repository-record/repository-totals.js';
import type { BusTotals } from '../../../libs/rule-record/bus-totals.js';

type Figure<Row> = readonly [name: string, figure: (row: Row) => number, help: string];

const sinkFigures: readonly Figure<MessageBacklog>[] = [
  ['millrace_messages_pending', ({ pending }) => pending, 'Messages that a sink has not got yet.'],
  ['millrace_messages_oldest_pending_seconds', ({ oldestSeconds }) => oldestSeconds, 'Age of the oldest of them; 0 when there is none.'],
  ['millrace_messages_delivered_total', ({ delivered }) => delivered, 'Messages that a sink has taken.'],
  ['millrace_messages_skipped_total', ({ skipped }) => skipped, 'Messages that a sink refused for good.'],
  ['millrace_messages_expired_total', ({ expired }) => expired, 'Messages that were removed for their age before a sink had taken them.'],
  ['millrace_messages_failures', ({ attempts }) => attempts, 'Failed deliveries to a sink since the last that worked.'],
];

const busFigures: readonly Figure<BusTotals>[] = [
  ['millrace_bus_messages_received_total', ({ received }) => received, 'Messages of a bus that are in the record, or were.'],
  ['millrace_bus_messages_repeated_total', ({ repeated }) => repeated, 'Messages that a bus brought again.'],
  ['millrace_bus_messages_parked_total', ({ parked }) => parked, 'Messages that were parked.'],
  ['millrace_bus_messages_parked', ({ waiting }) => waiting, 'Messages that are parked now, and wait for an operator.'],
  ['millrace_bus_last_message_timestamp_seconds', ({ receivedAt }) => receivedAt, 'Unix time of the last message of a bus; 0: none yet.'],
];

const ruleFigures: readonly Figure<RecordedRule>[] = [
  ['millrace_rule_messages_behind', ({ behind }) => behind, 'Messages that a rule has not looked at.'],
  ['millrace_rule_paused', ({ pausedAt }) => (pausedAt === null ? 0 : 1), '1 while a rule is paused.'],
  ['millrace_rule_messages_matched_total', ({ counts }) => counts.matched, 'Messages that matched a rule.'],
  ['millrace_rule_composes_requested_total', ({ counts }) => counts.requested, 'Composes that a rule asked for.'],
  ['millrace_rule_composes_failed_total', ({ counts }) => counts.failed, 'Composes of a rule that failed.'],
  ['millrace_rule_composes_refused_total', ({ counts }) => counts.refused, 'Matters that a rule gave up because a gate stayed closed.'],
  ['millrace_rule_messages_parked_total', ({ counts }) => counts.parked, 'Messages that a rule could make no request of.'],
  ['millrace_rule_loops_total', ({ counts }) => counts.loops, 'Messages about composes that the rule itself had led to; left out.'],
];

const repositoryFigures: readonly Figure<RepositoryTotals>[] = [
  ['millrace_repository_state', ({ state }) => state, 'Number of the state of a package repository that clients see; each that is published has a higher one.'],
  ['millrace_repository_published_timestamp_seconds', ({ publishedAt }) => publishedAt, 'Unix time of that state; 0: none yet.'],
  ['millrace_repository_packages', ({ packages }) => packages, 'Packages that it lists.'],
  ['millrace_repository_bytes', ({ bytes }) => bytes, 'Their bytes.'],
  ['millrace_repository_changes_waiting', ({ waiting }) => waiting, 'Changes that have not ended.'],
  ['millrace_repository_oldest_change_seconds', ({ oldestSeconds }) => oldestSeconds, 'Age of the oldest of them; 0 when there is none.'],
  ['millrace_repository_last_change_seconds', ({ lastSeconds }) => lastSeconds, 'Time from the request of the last change that was carried out until clients saw it.'],
  ['millrace_repository_last_change_failed', ({ lastFailed }) => (lastFailed ? 1 : 0), '1 when the last change that ended has failed.'],
  ['millrace_repository_uploads_waiting', ({ uploads }) => uploads, 'Uploads in the spool: of changes that wait, and of nobody yet.'],
  ['millrace_repository_upload_bytes', ({ uploadBytes }) => uploadBytes, 'Their bytes.'],
];

/** By sink, as the settings name them: a few values. A scrape without the record has none of these. */
export function addMessageMetrics(registry: Registry, read: () => Promise<readonly MessageBacklog[] | undefined>): void {
  addFigures(registry, { label: 'sink', figures: sinkFigures, nameOf: ({ sink }) => sink, read });
}

/** By bus. */
export function addBusMetrics(registry: Registry, read: () => Promise<readonly BusTotals[] | undefined>): void {
  addFigures(registry, { label: 'bus', figures: busFigures, nameOf: ({ bus }) => bus, read });
}

/** By rule; those that are retired are left out. */
export function addRuleMetrics(registry: Registry, read: () => Promise<readonly RecordedRule[] | undefined>): void {
  addFigures(registry, { label: 'rule', figures: ruleFigures, nameOf: ({ name }) => name, read: async () => (await read())?.filter(({ retiredAt }) => retiredAt === null) });
}

/** By repository, which operators make. */
export function addRepositoryMetrics(registry: Registry, read: () => Promise<readonly RepositoryTotals[] | undefined>): void {
  addFigures(registry, { label: 'repository', figures: repositoryFigures, nameOf: ({ repository }) => repository, read });
}

interface Figures<Row> {
  readonly label: string;
  readonly figures: readonly Figure<Row>[];
  readonly nameOf: (row: Row) => string;
  readonly read: () => Promise<readonly Row[] | undefined>;
}

function addFigures<Row>(registry: Registry, { label, figures, nameOf, read }: Figures<Row>): void {
  for (const [name, figure, help] of figures) {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      async collect() {
        this.reset();
        for (const row of (await read()) ?? []) this.set({ [label]: nameOf(row) }, figure(row));
      },
    });
  }
}
