import { afterAll, beforeAll, expect } from '@jest/globals';
import { composeStreamId, type Compose } from '../../compose/compose.js';
import { query } from '../../database/sql.js';
import { specDatabase } from '../../testing/spec-database.js';
import type { ComposeCommands } from '../compose-commands.js';
import { createComposeCommands } from '../create-compose-commands.js';
import { createComposeReads, type ClosableComposeReads } from '../create-compose-reads.js';
import { composeLives } from './compose-lives.js';

export const composeUrl = 'https://composes.test';

/** A record of its own for a spec file, with a clock that only the spec moves. What is in it is there once the specs run. */
export function recordedComposes() {
  const record = specDatabase();
  let reads: ClosableComposeReads;
  let clock = Date.parse('2020-01-02T03:04:05.678Z');

  beforeAll(() => {
    reads = createComposeReads(record.database);
  });
  afterAll(() => reads.close());

  const commands = (): ComposeCommands => createComposeCommands(record.database, { composeUrl, secondsToLive: 86_400, maximumSecondsToLive: 259_200, now: () => new Date(clock) });
  const later = (seconds: number): void => void (clock += seconds * 1000);
  const at = (seconds = 0): string => new Date(clock + seconds * 1000).toISOString();

  async function read(id: number): Promise<Compose> {
    const compose = await reads.get(id);
    if (compose === undefined) throw new Error(`there is no compose ${id}`);
    return compose;
  }

  async function messages(id: number): Promise<{ topic: string; event: string; state: string; reason: string | null }[]> {
    const rows = await query<{ topic: string; body: string }>(record.database, 'select topic, body from outbound_messages where stream_id = $1 order by id', [composeStreamId(id)]);
    return rows.map(({ topic, body }) => {
      const { event, compose } = JSON.parse(body) as { event: string; compose: { state_name: string; state_reason: string | null } };
      return { topic, event, state: compose.state_name, reason: compose.state_reason };
    });
  }

  async function expired(id: number): Promise<void> {
    clock = Math.max(clock, Date.parse((await read(id)).expiresAt));
    expect(await commands().expire(id)).toMatchObject({ removed: true });
  }

  return { url: () => record.url, database: () => record.database, reads: () => reads, commands, later, at, read, messages, expired, ...composeLives(commands) };
}
