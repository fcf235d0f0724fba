import { describe, expect, it } from '@jest/globals';
import { openDatabase } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { specDatabase } from '../testing/spec-database.js';
import { composeLives } from './__fixtures__/compose-lives.js';
import { createComposeCommands } from './create-compose-commands.js';
import { createComposeReads } from './create-compose-reads.js';

const record = specDatabase();

const commands = () => createComposeCommands(record.database, { composeUrl: 'https://composes.test', secondsToLive: 86_400, maximumSecondsToLive: 259_200 });
const { requested } = composeLives(commands);
/** Longer than any spec may take: only a change ends the wait. */
const forever = 600_000;

const listeners = () => query<{ pid: number }>(record.database, `select pid from pg_stat_activity where datname = current_database() and application_name = 'millrace-compose-changes'`);

describe('waiting for a change', () => {
  it('ends when the compose changes, on one connection for all who wait', async () => {
    const reads = createComposeReads(record.database);
    const [id, other] = [await requested(), await requested()];
    const waits = Promise.all(Array.from({ length: 200 }, () => reads.changed(id, { version: 1, milliseconds: forever })));
    const others = reads.changed(other, { version: 1, milliseconds: forever });
    // Heard by this one, so everybody above is listening by then.
    const heard = reads.changed(id, { version: 1, milliseconds: forever });
    await commands().begin(id);
    await waits;
    await heard;
    expect(await listeners()).toHaveLength(1);
    await reads.close();
    await others;
    expect(await reads.changed(other, { version: 1, milliseconds: forever })).toBeUndefined();
  });

  it('ends at once when the compose has changed before', async () => {
    const reads = createComposeReads(record.database);
    const id = await requested();
    await commands().begin(id);
    await reads.changed(id, { version: 1, milliseconds: forever });
    await reads.close();
  });

  it('ends when the time is over or nobody waits any more', async () => {
    const reads = createComposeReads(record.database);
    const id = await requested();
    await reads.changed(id, { version: 1, milliseconds: 20 });
    await reads.changed(id, { version: 1, milliseconds: 0 });
    const abort = new AbortController();
    const wait = reads.changed(id, { version: 1, milliseconds: forever, signal: abort.signal });
    abort.abort();
    await wait;
    await reads.changed(id, { version: 1, milliseconds: forever, signal: abort.signal });
    await reads.close();
  });

  it('does not miss what happened while the connection was away', async () => {
    const reads = createComposeReads(record.database);
    const id = await requested();
    const wait = reads.changed(id, { version: 1, milliseconds: forever });
    await reads.changed(id, { version: 0, milliseconds: forever });
    const [listener] = await listeners();
    // In one transaction, so that nobody listens when the change is notified.
    await query(record.database, 'select pg_terminate_backend($1, 5000)', [listener?.pid]);
    await commands().begin(id);
    await wait;
    await reads.close();
  });

  it('says so when the record.database is away', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    const reads = createComposeReads(away);
    await expect(reads.changed(1, { version: 1, milliseconds: forever })).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(reads.get(1)).rejects.toMatchObject({ code: 'database-unavailable' });
    await reads.close();
    await away.close();
  });
});
