import { query, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import type { RuleCause } from '../compose-rules/rule-cause.js';
import { MillraceError } from '../errors/millrace-error.js';

/** In the transaction that makes the compose. Answers the compose that the same cause made before; of two at once the second waits here. */
export async function rememberCause(sql: Sql, { rule, key, position, replay, attempt, chain }: RuleCause, composeId: number): Promise<number | undefined> {
  const remembered = await sql(
    `insert into rule_composes (compose_id, rule, key, position, replay, attempt, chain) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (rule, key, position, replay, attempt) do nothing returning 1`,
    [composeId, rule, key, position, replay, attempt, JSON.stringify(chain)],
  );
  if (remembered.length > 0) return undefined;
  const [known] = await sql<{ compose_id: string }>('select compose_id from rule_composes where rule = $1 and key = $2 and position = $3 and replay = $4 and attempt = $5', [rule, key, position, replay, attempt]);
  if (known === undefined) throw new MillraceError('record-conflict', 'what asked for the compose has just been asked for', { suggestion: 'Try again.' });
  return Number(known.compose_id);
}

/** How rules' own composes are known when messages about them come back. */
export interface RuleChains {
  /** The rules that led to the compose that the body of a message is about; none: nobody's, or of another record. Errors: `database-unavailable`. */
  of(body: unknown): Promise<readonly string[]>;
}

export function createRuleChains(database: Database): RuleChains {
  let identity: Promise<string> | undefined;
  const ownIdentity = (): Promise<string> =>
    (identity ??= query<{ id: string }>(database, 'select id from record_identity').then(
      ([row]) => row?.id ?? '',
      (error: unknown) => {
        identity = undefined;
        throw error;
      },
    ));
  return {
    async of(body) {
      const { record, composeId } = ownMarks(body);
      if (composeId === undefined || record !== (await ownIdentity())) return [];
      const [row] = await query<{ chain: string }>(database, 'select chain from rule_composes where compose_id = $1', [composeId]);
      return row === undefined ? [] : (JSON.parse(row.chain) as readonly string[]);
    },
  };
}

/** As `libs/messaging` marks what it sends. */
function ownMarks(body: unknown): { readonly record?: unknown; readonly composeId?: number } {
  if (typeof body !== 'object' || body === null) return {};
  // Of a compose, or of a name that points at one.
  const { record, compose, compose_id: named } = body as { readonly record?: unknown; readonly compose?: { readonly id?: unknown } | null; readonly compose_id?: unknown };
  const id = typeof compose === 'object' && compose !== null ? compose.id : named;
  return typeof record === 'string' && Number.isSafeInteger(id) ? { record, composeId: id as number } : {};
}
