import type { Sql } from '../database/sql.js';
import type { Compose } from '../compose/compose.js';
import { composeStates, sourceTypes } from '../compose/compose-vocabulary.js';
import type { ComposeFilter, ComposeOrder, ComposeQuery } from './compose-commands.js';
import { selectedColumns, toCompose, type SelectedCompose } from './compose-rows.js';

export async function readCompose(sql: Sql, id: number): Promise<Compose | undefined> {
  if (!Number.isSafeInteger(id)) return undefined;
  const rows = await sql<SelectedCompose>(`select ${selectedColumns} from composes where id = $1`, [id]);
  return (await withQueuePositions(sql, rows))[0];
}

const orderColumns: Readonly<Record<ComposeOrder, { readonly column: string; readonly nulls: boolean }>> = {
  id: { column: 'id', nulls: false },
  owner: { column: 'owner', nulls: false },
  source_type: { column: 'source_type', nulls: false },
  koji_event: { column: 'koji_event', nulls: true },
  state: { column: 'state', nulls: false },
  time_to_expire: { column: 'expires_at', nulls: false },
  time_submitted: { column: 'submitted_at', nulls: false },
  time_done: { column: 'done_at', nulls: true },
  time_removed: { column: 'removed_at', nulls: true },
};

export async function listComposes(sql: Sql, query: ComposeQuery): Promise<readonly Compose[]> {
  const filter = conditionsOf(query.filters, query.beforeId);
  if (filter === undefined) return [];
  const { where, parameters } = filter;
  const order = orderOf(query);
  const rows = await sql<SelectedCompose>(
    // The page is found in the index alone; only its own rows are read, however far it is from the first.
    `select ${selectedColumns} from composes where id = any(array(select id from composes ${where} order by ${order} limit $${parameters.length + 1} offset $${parameters.length + 2})) order by ${order}`,
    [...parameters, query.limit, query.offset],
  );
  return withQueuePositions(sql, rows);
}

/** Nulls are the smallest, as clients know it from ODCS on SQLite; ties go by id, in the same direction, so that a page never repeats what another had. */
function orderOf({ orderBy, descending }: Pick<ComposeQuery, 'orderBy' | 'descending'>): string {
  const { column, nulls } = orderColumns[orderBy];
  const direction = descending ? 'desc' : 'asc';
  const ordered = `${column} ${direction}${nulls ? ` nulls ${descending ? 'last' : 'first'}` : ''}`;
  return column === 'id' ? ordered : `${ordered}, id ${direction}`;
}

export interface FilterConditions {
  readonly where: string;
  readonly parameters: readonly unknown[];
}

/** Undefined: nothing can match. */
export function conditionsOf(filters: ComposeQuery['filters'], beforeId?: number): FilterConditions | undefined {
  const conditions: string[] = [];
  const parameters: unknown[] = [];
  if (beforeId !== undefined) {
    parameters.push(beforeId);
    conditions.push(`id < $${parameters.length}`);
  }
  for (const [name, value] of Object.entries(filters) as [ComposeFilter, string | number | undefined][]) {
    if (value === undefined) continue;
    const wanted = filterValue(name, value);
    if (wanted === undefined) return undefined;
    parameters.push(wanted);
    conditions.push(`${name} = $${parameters.length}`);
  }
  return { where: conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`, parameters };
}

function filterValue(name: ComposeFilter, value: string | number): string | number | undefined {
  if (name === 'koji_task_id') return undefined; // no compose has one
  if (name === 'state') return numberOf(composeStates, value);
  if (name === 'source_type') return numberOf(sourceTypes, value);
  return String(value).includes('\0') ? undefined : String(value);
}

/** Names as well as numbers. */
function numberOf(vocabulary: Readonly<Record<string, number>>, value: string | number): number | undefined {
  if (typeof value === 'string' && Object.hasOwn(vocabulary, value)) return vocabulary[value];
  return Object.values(vocabulary).find((known) => String(known) === String(value));
}

/** Of one that waits. */
export async function readQueuePosition(sql: Sql, id: number): Promise<number> {
  const [row] = await sql<{ place: string }>(`select count(*) as place from composes where state = ${composeStates.wait} and id <= $1`, [id]);
  return Number(row?.place);
}

/** For pages at most: one pass over those that wait. */
async function withQueuePositions(sql: Sql, rows: readonly SelectedCompose[]): Promise<readonly Compose[]> {
  const waiting = rows.filter((row) => row.state === composeStates.wait).map((row) => row.id);
  if (waiting.length === 0) return rows.map((row) => toCompose(row, null));
  const positions = await sql<{ id: string; place: string }>(
    `select id, place from (select id, row_number() over (order by id) as place from composes where state = ${composeStates.wait} and id <= (select max(i) from unnest($1::bigint[]) as i)) as queue where id = any($1::bigint[])`,
    [waiting],
  );
  const places = new Map(positions.map(({ id, place }) => [id, Number(place)]));
  return rows.map((row) => toCompose(row, places.get(row.id) ?? null));
}
