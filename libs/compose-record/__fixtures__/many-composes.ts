import { query } from '../../database/sql.js';
import type { Database } from '../../database/open-database.js';
import { composeRequest } from './composes.js';

/**
 * Rows of composes as years of use leave them, without their events. Most are removed, one in twenty has failed, the newest 100 wait, 100 before them
 * are being generated and up to 2,800 are done.
 */
export async function insertManyComposes(database: Database, count: number): Promise<void> {
  await query(
    database,
    `insert into composes (id, owner, source_type, source, state, state_reason, request, submitted_at, started_at, done_at, expires_at, removed_at, koji_event, pungi_compose_id, plan, label, compose_type, position, promises)
     select i, 'user-' || i % 50, case when i % 10 = 0 then 7 else 3 end, 'https://packages.test/' || i % 1000, s.state, 'Compose is generated successfully', $2,
       now() - make_interval(secs => $1 - i), now(), case when s.state in (2, 3) then now() - make_interval(secs => ($1 - i) / 2) end, now() + make_interval(secs => i % 5000), case when s.state = 3 then now() - make_interval(secs => i % 777) end,
       case when i % 3 = 0 then null else i % 5000 end, case when s.state > 1 then 'odcs-' || i || '-1-20260102.t.0' end, repeat('c', 64), case when i % 100 = 0 then 'RC-' || i % 700 end, case when i % 9 = 0 then 'nightly' else 'test' end, 6, case when s.state = 2 then i end
     from generate_series(1, $1::int) as i, lateral (select case when i > $1 - 100 then 0 when i > $1 - 200 then 1 when i % 20 = 0 then 4 when i > $1 - 3000 then 2 else 3 end as state) as s`,
    [count, JSON.stringify(composeRequest())],
  );
  await query(database, `select setval('compose_ids', $1)`, [count]);
  await query(database, 'vacuum (analyze) composes');
}
