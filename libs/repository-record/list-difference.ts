import type { Sql } from '../database/sql.js';

/** True in SQL: the interval `l` lies over the state. */
export const liesOver = (l: string, state: string): string => `${l}.from_state <= ${state} and (${l}.until_state is null or ${l}.until_state > ${state})`;

export interface ListDifference {
  /** Keys, in the order of their bytes. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** From one published state to another, in either direction; what is read are the intervals that begin or end between the two. */
export async function readDifference(sql: Sql, repository: string, from: number, to: number): Promise<ListDifference> {
  const later = Math.max(from, to);
  const earlier = Math.min(from, to);
  const begun = await keysOf(sql, `${liesOver('l', '$3')} and l.from_state > $2`, '$2', [repository, earlier, later]);
  const ended = await keysOf(sql, `${liesOver('l', '$2')} and l.until_state <= $3`, '$3', [repository, earlier, later]);
  return from <= to ? { added: begun, removed: ended } : { added: ended, removed: begun };
}

/** Of intervals; a package that the other state lists, too, has only been away in between. */
async function keysOf(sql: Sql, condition: string, other: string, parameters: readonly unknown[]): Promise<string[]> {
  const rows = await sql<{ key: string }>(
    `select l.key from repository_listings l where l.repository = $1 and ${condition}
       and not exists (select 1 from repository_listings o where o.repository = $1 and o.key = l.key and ${liesOver('o', other)}) order by l.key`,
    parameters,
  );
  return rows.map(({ key }) => key);
}
