import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openDatabase, type Database } from '../database/open-database.js';
import { query } from '../database/sql.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import type { BusMessage } from '../compose-rules/bus-message.js';
import { createIncomingMessages, type RecordedIncomingMessages } from './incoming-messages.js';

let server: TestDatabase;
let database: Database;
let messages: RecordedIncomingMessages;

beforeAll(async () => {
  server = await createTestDatabase();
  database = await openDatabase(server.url);
  messages = createIncomingMessages(database);
});
afterEach(async () => {
  await query(database, 'truncate bus_messages, parked_messages, buses');
});
afterAll(async () => {
  await messages?.close();
  await database?.close();
  await server?.drop();
});

const messageOf = (id: string | number, changes: Partial<BusMessage> = {}): BusMessage => ({ bus: 'fedora', id: String(id), topic: 'org.example.koji.tag', body: { number: id }, ...changes });
const { signal } = new AbortController();
/** Longer than any spec may take: only news ends the wait. */
const forever = 600_000;
const everything = () => messages.after(0, 100_000);

describe('messages of buses', () => {
  it('are given back as they came, in the order of their positions', async () => {
    const bodies = [{ a: [1, { b: null }], 'ü\u0000': '\ud800' }, [], 'text', 1.5, null, true];
    const accepted = [];
    for (const [index, body] of bodies.entries()) accepted.push(await messages.accept(messageOf(index, { body })));
    const found = await everything();
    expect(found.map(({ body }) => body)).toEqual(bodies);
    expect(found.map(({ position }) => position)).toEqual(accepted.map(({ position }) => position));
    expect(found[0]).toEqual({ ...messageOf(0, { body: bodies[0] }), position: accepted[0]?.position, receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) });
    await expect(messages.get(accepted[2]?.position ?? 0)).resolves.toEqual(found[2]);
    await expect(messages.after(accepted[1]?.position ?? 0, 2)).resolves.toEqual(found.slice(2, 4));
  });

  it('that are known keep their position and their body, on their own bus', async () => {
    const first = await messages.accept(messageOf('a'));
    await expect(messages.accept(messageOf('a', { body: 'another' }))).resolves.toEqual({ position: first.position, known: true });
    const other = await messages.accept(messageOf('a', { bus: 'umb' }));
    expect(other).toEqual({ position: first.position + 1, known: false });
    expect((await everything()).map(({ bus, body }) => [bus, body])).toEqual([['fedora', { number: 'a' }], ['umb', { number: 'a' }]]);
    expect(await messages.totals()).toMatchObject([{ bus: 'fedora', received: 1, repeated: 1 }, { bus: 'umb', received: 1, repeated: 0 }]);
  });

  it('are one each, whoever accepts them how often at once, and no reader that follows misses one', async () => {
    const writers = await Promise.all([1, 2, 3].map(() => openDatabase(server.url)));
    const accepting = writers.map((each) => createIncomingMessages(each));
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.nat(40)), { minLength: 1, maxLength: 120 }), async (arrivals) => {
          const [before] = await query<{ value: string }>(database, `select coalesce(max(value), 0) as value from counters where name = 'bus-messages'`);
          let position = Number(before?.value);
          const run = String(position);
          const seen: string[] = [];
          let over = false;
          const reader = (async () => {
            for (let last = false; !last; ) {
              last = over;
              for (const message of await messages.after(position, 7)) {
                seen.push(message.id);
                position = message.position;
                last = false;
              }
            }
          })();
          const answers = await Promise.all(arrivals.map(async ([writer, id]) => ({ id, ...(await (accepting[writer] as RecordedIncomingMessages).accept(messageOf(`${run}-${id}`))) })));
          over = true;
          await reader;
          const ids = new Set(arrivals.map(([, id]) => `${run}-${id}`));
          expect(seen.toSorted()).toEqual([...ids].toSorted());
          expect(answers.filter(({ known }) => !known)).toHaveLength(ids.size);
          expect(new Set(answers.map(({ id, position: at }) => `${id} ${at}`)).size).toBe(ids.size);
        }),
        { numRuns: 25 },
      );
    } finally {
      for (const each of accepting) await each.close();
      for (const each of writers) await each.close();
    }
  }, 30_000);

  it('come in a burst: a thousand share a few commits', async () => {
    await Promise.all(Array.from({ length: 1000 }, (_, index) => messages.accept(messageOf(index))));
    expect((await everything()).map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, index) => String(index)));
    const [row] = await query<{ commits: string }>(database, 'select count(distinct xmin::text) as commits from bus_messages');
    expect(Number(row?.commits)).toBeLessThanOrEqual(6);
  });

  it('that are large are read a few at once, and all of them in the end', async () => {
    const body = 'x'.repeat(1024 * 1024);
    await Promise.all(Array.from({ length: 12 }, (_, index) => messages.accept(messageOf(index, { body: index === 0 ? body.repeat(6) : body }))));
    const pages: number[] = [];
    for (let position = 0; ; ) {
      const page = await messages.after(position, 100);
      if (page.length === 0) break;
      pages.push(page.length);
      position = page.at(-1)?.position ?? position;
    }
    expect(pages).toEqual([1, 4, 4, 3]);
  });

  it('do not take each other along when the database refuses one', async () => {
    const answers = await Promise.allSettled([messages.accept(messageOf('good')), messages.accept(messageOf('bad\0')), messages.accept(messageOf('better'))]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await everything()).map(({ id }) => id)).toEqual(['good', 'better']);
  });

  it('are received at times that never go back, although the clock of the server does', async () => {
    const { position } = await messages.accept(messageOf('before'));
    await query(database, `update bus_messages set received_at = date_trunc('milliseconds', now()) + interval '1 hour' where position = $1`, [position]);
    await messages.accept(messageOf('after'));
    const [before, after] = await everything();
    expect(after?.receivedAt).toBe(before?.receivedAt);
  });

  it('are found by the time at which they were received', async () => {
    expect(await messages.positionBefore('2026-01-01T00:00:00Z')).toBe(0);
    const { position } = await messages.accept(messageOf('old'));
    await query(database, `update bus_messages set received_at = '2026-01-01T12:00:00.5Z' where position = $1`, [position]);
    const { position: next } = await messages.accept(messageOf('new'));
    await expect(Promise.all(['2026-01-01T12:00:00.500Z', '2026-01-01T13:00:00.501+01:00', '2999-01-01T00:00:00Z'].map((time) => messages.positionBefore(time)))).resolves.toEqual([0, position, next]);
    await expect(messages.positionBefore('yesterday')).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('wake who waits for them, and nobody who has them or waits for what was removed', async () => {
    const { position } = await messages.accept(messageOf('first'));
    await messages.changed(position - 1, { milliseconds: forever, signal });
    const wait = messages.changed(position, { milliseconds: forever, signal });
    await messages.changed(position, { milliseconds: 20, signal });
    await messages.accept(messageOf('first'));
    let woken = false;
    void wait.then(() => (woken = true));
    await messages.changed(position, { milliseconds: 20, signal });
    expect(woken).toBe(false);
    await messages.accept(messageOf('second'));
    await wait;
    await messages.removeBefore('2999-01-01T00:00:00Z');
    const abort = new AbortController();
    const behind = Promise.race([messages.changed(0, { milliseconds: forever, signal: abort.signal }).then(() => 'woken'), messages.changed(0, { milliseconds: 20, signal }).then(() => 'silent')]);
    await expect(behind).resolves.toBe('silent');
    abort.abort();
  });

  it('that were removed are not found, and positions are not given again', async () => {
    const { position } = await messages.accept(messageOf('old'));
    await expect(messages.removeBefore('2999-01-01T00:00:00Z')).resolves.toBe(1);
    await expect(messages.get(position)).rejects.toMatchObject({ code: 'message-not-found' });
    await expect(messages.accept(messageOf('new'))).resolves.toEqual({ position: position + 1, known: false });
  });

  it('cannot be had while the database is away', async () => {
    const away = await openDatabase('postgresql://nobody@127.0.0.1:1/none');
    const unreachable = createIncomingMessages(away);
    await expect(unreachable.accept(messageOf(1))).rejects.toMatchObject({ code: 'database-unavailable' });
    await expect(unreachable.changed(0, { milliseconds: forever, signal })).rejects.toMatchObject({ code: 'database-unavailable' });
    await unreachable.close();
    await away.close();
  });
});

describe('parked messages', () => {
  const parked = { bus: 'fedora', topic: 'org.example', position: null, rule: null, reason: 'the document is not valid JSON', excerpt: '{' };
  const unread = { bytes: Buffer.from([0xff, 0x00]), details: { id: '1', topic: 'org.example', encoding: null, sha256: '12ae' } };

  it('are listed, newest first and page by page, and given back with what came', async () => {
    for (let number = 1; number <= 5; number += 1) await messages.park({ ...parked, excerpt: `\0\x1b${number}\n` }, unread);
    const first = await messages.parked({ limit: 2 });
    const second = await messages.parked({ limit: 5, beforeId: first[1]?.id ?? 0 });
    expect([...first, ...second].map(({ excerpt }) => excerpt)).toEqual([5, 4, 3, 2, 1].map((number) => `\ufffd\ufffd${number}\n`));
    await expect(messages.parkedMessage(first[0]?.id ?? 0)).resolves.toEqual({ ...first[0], unread });
    expect(await messages.totals()).toMatchObject([{ bus: 'fedora', received: 0, parked: 5, waiting: 5 }]);
  });

  it('are parked once, however often the same comes, with the newest reason', async () => {
    await messages.park(parked, unread);
    await messages.park({ ...parked, reason: 'still not' }, unread);
    await messages.park({ ...parked, position: 7, rule: 'one' });
    await messages.park({ ...parked, position: 7, rule: 'one', excerpt: 'other', reason: 'newer' });
    await messages.park({ ...parked, position: 7, rule: 'two' });
    expect((await messages.parked({ limit: 10 })).map(({ rule, reason }) => [rule, reason])).toEqual([['two', parked.reason], ['one', 'newer'], [null, 'still not']]);
    expect(await messages.totals()).toMatchObject([{ parked: 3 }]);
  });

  it('are listed with no more of a topic than a message may have', async () => {
    await messages.park({ ...parked, topic: 'x'.repeat(1_000_000) }, { ...unread, bytes: null });
    expect((await messages.parked({ limit: 1 }))[0]?.topic).toBe('x'.repeat(1024));
  });

  it('are forgotten once', async () => {
    await messages.park(parked, unread);
    const [{ id } = { id: 0 }] = await messages.parked({ limit: 1 });
    await expect(messages.unpark(id)).resolves.toMatchObject(parked);
    await expect(messages.unpark(id)).rejects.toMatchObject({ code: 'message-not-found', message: `no message ${id} is parked` });
    await expect(messages.parkedMessage(id)).rejects.toMatchObject({ code: 'message-not-found' });
  });

  it('keep their message until they are dropped, or old themselves', async () => {
    const { position } = await messages.accept({ bus: 'fedora', id: '1', topic: 'a', body: 1 });
    await messages.park({ ...parked, position, rule: 'one' });
    await expect(messages.removeBefore('2999-01-01T00:00:00Z')).resolves.toBe(0);
    await expect(messages.removeParkedBefore('2026-01-01T00:00:00Z')).resolves.toBe(0);
    await expect(messages.removeParkedBefore('2999-01-01T00:00:00Z')).resolves.toBe(1);
    await expect(messages.removeBefore('2999-01-01T00:00:00Z')).resolves.toBe(1);
  });
});
