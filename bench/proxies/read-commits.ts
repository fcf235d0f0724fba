import pg from 'pg';
import { sessionStreamId } from '../../libs/session/session-events.js';

/** How many transactions wrote the traffic of a session (at least 1). */
export async function commitsOf(databaseUrl: string, sessionId: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ commits: string }>('select count(distinct transaction_id) as commits from events where stream_id = $1 and position > 1', [sessionStreamId(sessionId)]);
    return Math.max(1, Number(rows[0]?.commits ?? 1));
  } finally {
    await client.end();
  }
}
