import { inTransaction, type Sql } from '../database/sql.js';
import type { Database } from '../database/open-database.js';
import { repositoryStreamId } from '../repository/repository.js';
import type { RecordOptions } from './record-options.js';
import { tellOutside } from './repository-messages.js';
import type { FailedUpkeep } from './repository-record.js';
import { lockRepository, recordEvents } from './repository-stream.js';

/** Events among which a repetition is looked for: it comes seconds after the first. */
const recent = 20;

export async function recordUpkeepFailure(database: Database, name: string, { failed, options }: { readonly failed: FailedUpkeep; readonly options: RecordOptions }): Promise<void> {
  const { task, problem, failedAt } = failed;
  await inTransaction(database, async ({ sql }) => {
    const { state } = await lockRepository(sql, name);
    if (await isRecorded(sql, name, failed)) return;
    await recordEvents(sql, name, [{ type: 'UpkeepFailed', data: { task, problem, failedAt } }]);
    await tellOutside(sql, options, name, { kind: 'upkeep-failed', state, task, problem, at: failedAt });
  });
}

async function isRecorded(sql: Sql, name: string, { task, failedAt }: FailedUpkeep): Promise<boolean> {
  const rows = await sql<{ data: string }>(`select data from (select type, data from events where stream_id = $1 order by position desc limit ${recent}) last where type = 'UpkeepFailed'`, [repositoryStreamId(name)]);
  return rows.map(({ data }) => JSON.parse(data) as FailedUpkeep).some((before) => before.task === task && before.failedAt === failedAt);
}
