import { query } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { RuleCounts } from '../compose-rules/rule-counts.js';
import { noCounts } from '../compose-rules/rule-counts.js';

/** What is known of rules, whether Temporal is there or not. Errors: `rule-not-found`, `database-unavailable`. */
export interface RuleRecord {
  /** A rule that is new begins after the newest message; one that was retired not long ago goes on where it was. Before buses are opened, so that nothing is missed. */
  register(names: readonly string[]): Promise<void>;
  get(name: string): Promise<RecordedRule>;
  list(): Promise<readonly RecordedRule[]>;
  note(name: string, progress: RuleProgress): Promise<void>;
  pause(name: string, by: string): Promise<void>;
  resume(name: string): Promise<void>;
  retire(name: string): Promise<void>;
  /** Newest first. */
  composes(name: string, limit: number): Promise<readonly RuleCompose[]>;
}

export interface RuleProgress {
  readonly position: number;
  /** Up to here nothing is left to be done. */
  readonly settled: number;
  readonly counts: RuleCounts;
  readonly problem: string | null;
}

export interface RecordedRule extends RuleProgress {
  readonly name: string;
  /** Kept messages that it has not looked at; 0 of a rule that is retired, which would be counted to no end. */
  readonly behind: number;
  /** RFC 3339; null: it is not paused. */
  readonly pausedAt: string | null;
  readonly pausedBy: string | null;
  /** RFC 3339; null: there are settings for it. */
  readonly retiredAt: string | null;
}

export interface RuleCompose {
  readonly composeId: number;
  readonly key: string;
  readonly position: number;
  readonly replay: string;
  readonly attempt: number;
  readonly chain: readonly string[];
  /** RFC 3339 */
  readonly requestedAt: string;
}

interface RuleRow {
  readonly name: string;
  readonly position: string;
  readonly settled_position: string;
  readonly counts: string;
  readonly problem: string | null;
  readonly paused_by: string | null;
  readonly paused_at: string | null;
  readonly retired_at: string | null;
  readonly behind: string;
}

const columns = `r.name, r.position, r.settled_position, r.counts, r.problem, r.paused_by, r.paused_at, r.retired_at, case when r.retired_at is null then (select count(*) from bus_messages m where m.position > r.position) else 0 end as behind`;
/** How long a rule may be away and still go on where it was. */
const rememberedFor = '1 hour';
const longestProblem = 1000;

export function createRuleRecord(database: Database): RuleRecord {
  const change = async (name: string, statement: string, parameters: readonly unknown[] = []): Promise<void> => {
    const changed = await query(database, `update compose_rules set ${statement} where name = $1 returning 1`, [name, ...parameters]);
    if (changed.length === 0) throw notFound(name);
  };
  return {
    async register(names) {
      await query(
        database,
        `insert into compose_rules as r (name, position, settled_position)
         select name, newest.position, newest.position from unnest($1::text[]) as name, (select coalesce(max(position), 0) as position from bus_messages) as newest order by name
         on conflict (name) do update set retired_at = null,
           position = case when r.retired_at < now() - interval '${rememberedFor}' then excluded.position else r.position end,
           settled_position = case when r.retired_at < now() - interval '${rememberedFor}' then excluded.position else r.settled_position end
         where r.retired_at is not null`,
        [names],
      );
    },
    async get(name) {
      const [row] = await query<RuleRow>(database, `select ${columns} from compose_rules r where r.name = $1`, [name]);
      if (row === undefined) throw notFound(name);
      return recordedRule(row);
    },
    list: async () => (await query<RuleRow>(database, `select ${columns} from compose_rules r order by r.name`)).map(recordedRule),
    note: (name, { position, settled, counts, problem }) =>
      change(name, 'position = $2, settled_position = $3, counts = $4, problem = $5', [position, settled, JSON.stringify(counts), problem?.replaceAll('\0', '').toWellFormed().slice(0, longestProblem) ?? null]),
    pause: (name, by) => change(name, 'paused_by = coalesce(paused_by, $2), paused_at = coalesce(paused_at, now())', [by]),
    resume: (name) => change(name, 'paused_by = null, paused_at = null'),
    retire: (name) => change(name, 'retired_at = coalesce(retired_at, now())'),
    async composes(name, limit) {
      const rows = await query<{ compose_id: string; key: string; position: string; replay: string; attempt: number; chain: string; requested_at: string }>(
        database,
        'select compose_id, key, position, replay, attempt, chain, requested_at from rule_composes where rule = $1 order by compose_id desc limit $2',
        [name, limit],
      );
      return rows.map((row) => ({
        composeId: Number(row.compose_id),
        key: row.key,
        position: Number(row.position),
        replay: row.replay,
        attempt: row.attempt,
        chain: JSON.parse(row.chain) as readonly string[],
        requestedAt: instant(row.requested_at),
      }));
    },
  };
}

function recordedRule(row: RuleRow): RecordedRule {
  return {
    name: row.name,
    position: Number(row.position),
    settled: Number(row.settled_position),
    behind: Number(row.behind),
    counts: { ...noCounts, ...(JSON.parse(row.counts) as Partial<RuleCounts>) },
    problem: row.problem,
    pausedBy: row.paused_by,
    pausedAt: row.paused_at === null ? null : instant(row.paused_at),
    retiredAt: row.retired_at === null ? null : instant(row.retired_at),
  };
}

function instant(text: string): string {
  return new Date(text).toISOString();
}

function notFound(name: string): MillraceError {
  return new MillraceError('rule-not-found', `there is no rule ${name}`, { suggestion: 'millrace rule list shows those that there are.' });
}
