import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase, type Database } from '../database/open-database.js';
import { inTransaction } from '../database/sql.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { appendToStream } from './append-to-streams.js';
import { EventFeed } from './event-feed.js';

let server: TestDatabase;
let database: Database;
let feed: EventFeed;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  feed = new EventFeed(server.url, ['Happened']);
});
afterAll(async () => {
  await feed.close();
  await database.close();
  await server.drop();
});

function append(data: unknown, { type = 'Happened', afterwards = () => Promise.resolve() }: { type?: string; afterwards?: () => Promise<unknown> } = {}): Promise<unknown> {
  return inTransaction(database, async ({ sql }) => {
    await appendToStream(sql, { streamId: `stream:${randomUUID()}`, expected: 0, events: [{ eventId: randomUUID(), type, data }] });
    await afterwards();
  });
}

const read = async (): Promise<unknown[]> => (await feed.read()).map(({ data }) => data);

describe('following the record', () => {
  it('starts at its present end and gives each event of the wanted types once', async () => {
    await append('before');
    expect(await read()).toEqual([]);
    await append('one');
    await append('other', { type: 'Else' });
    await append('two');
    expect(await read()).toEqual(['one', 'two']);
    expect(await read()).toEqual([]);
  });

  it('does not miss an event that commits after one with a higher position', async () => {
    await append('slow', {
      afterwards: async () => {
        await append('quick');
        expect(await read()).toEqual(['quick']);
      },
    });
    expect(await read()).toEqual(['slow']);
  });
});
