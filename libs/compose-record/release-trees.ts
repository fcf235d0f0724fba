import { query, type Sql } from '../database/sql.js';
import { composeStates } from '../compose/compose-vocabulary.js';
import type { TreeName } from '../compose-engine/compose-engine.js';
import { carryOut, change, type RecordContext } from './carry-out.js';
import { lockCompose } from './load-composes.js';

/** While a compose promises it, or its own compose may still write to it, it stays. */
const unpromised = `not exists (select 1 from composes c where c.promises = t.id)
  and not exists (select 1 from composes o where o.id = t.id and o.state in (${composeStates.wait}, ${composeStates.generating}))`;

export async function releasableTrees(context: RecordContext, limit: number): Promise<readonly TreeName[]> {
  const candidates = await query<{ id: string; target_dir: string; state: string }>(
    context.database,
    `select t.id, t.target_dir, t.state from compose_trees t where t.state = 'releasing' or (${unpromised}) order by t.id limit $1`,
    [limit],
  );
  const released: TreeName[] = [];
  for (const { id, target_dir, state } of candidates) {
    if (state === 'releasing' || (await release(context, Number(id)))) released.push({ id: Number(id), targetDir: target_dir });
  }
  return released;
}

/** Whoever claims the files meanwhile holds a share of the row until the promise is committed, so the look after the lock sees it. */
async function release(context: RecordContext, id: number): Promise<boolean> {
  return context.transaction(async (sql) => {
    const before = await lockCompose(sql, id);
    await sql('select 1 from compose_trees where id = $1 for update', [id]);
    if (!(await isUnpromised(sql, id))) return false;
    const { life } = await change(sql, context, { before, command: { type: 'ReleaseTree', now: context.now() } });
    return life.tree?.state === 'releasing';
  });
}

async function isUnpromised(sql: Sql, id: number): Promise<boolean> {
  const rows = await sql(`select 1 from compose_trees t where t.id = $1 and ${unpromised}`, [id]);
  return rows.length > 0;
}

export async function forgetTree(context: RecordContext, { id }: TreeName): Promise<void> {
  await carryOut(context, id, { type: 'ForgetTree', now: context.now() });
}
