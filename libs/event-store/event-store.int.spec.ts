import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { inTransaction, query } from '../database/sql.js';
import { specDatabase } from '../testing/spec-database.js';
import { appendToStream, appendToStreams, type AppendRequest, type NewEvent } from './append-to-streams.js';
import { chainDigest, firstPreviousDigest } from './event-chain.js';
import { readStream } from './read-stream.js';
import { verifyStream } from './verify-stream.js';

describe('the event store', () => {
  const record = specDatabase();

  const event = (data: unknown = { a: 1 }): NewEvent => ({ eventId: randomUUID(), type: 'Happened', data });
  const append = (request: AppendRequest) => inTransaction(record.database, ({ sql }) => appendToStream(sql, request));
  const streamName = (): string => `stream:${randomUUID()}`;
  async function positions(streamId: string, pageSize: number): Promise<number[]> {
    const found: number[] = [];
    for await (const stored of readStream(record.database, streamId, { pageSize })) found.push(stored.position);
    return found;
  }

  it('checks the expected position', async () => {
    const streamId = streamName();
    await expect(append({ streamId, expected: 'exists', events: [event()] })).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(append({ streamId, expected: 'none', events: [event(), event()] })).resolves.toMatchObject({ version: 2 });
    await expect(append({ streamId, expected: 'none', events: [event()] })).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(append({ streamId, expected: 1, events: [event()] })).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(append({ streamId, expected: 2, events: [event()] })).resolves.toMatchObject({ version: 3 });
    await expect(append({ streamId, expected: 'any', events: [event()] })).resolves.toMatchObject({ version: 4 });
    await expect(append({ streamId: streamName(), expected: 0, events: [event()] })).resolves.toMatchObject({ version: 1 });
  });

  it('appends the same event once, even when the expected position has passed', async () => {
    const streamId = streamName();
    const first = event();
    const before = await append({ streamId, expected: 'none', events: [first] });
    await append({ streamId, expected: 1, events: [event()] });
    const again = await append({ streamId, expected: 'none', events: [first] });
    expect(again.events).toEqual([{ ...before.events[0], repeated: true }]);
    await expect(positions(streamId, 10)).resolves.toEqual([1, 2]);
  });

  it('stores the exact text that was hashed', async () => {
    const streamId = streamName();
    const data = { z: 1.5e21, a: 'é\u0000\n"', nested: { b: [null, true] } };
    const only = event(data);
    await append({ streamId, expected: 'none', events: [only] });
    const [row] = await query<{ data: string; digest: string }>(record.database, 'select data, digest from events where stream_id = $1', [streamId]);
    expect(row?.data).toBe(JSON.stringify(data));
    expect(row?.digest).toBe(chainDigest(firstPreviousDigest, { streamId, position: 1, eventId: only.eventId, type: 'Happened', data: row?.data ?? '' }));
  });

  it('keeps chains whole when batches over the same streams run at once, in opposite orders, without a deadlock', async () => {
    const ids = [streamName(), streamName(), streamName()];
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        inTransaction(record.database, ({ sql }) => appendToStreams(sql, (index % 2 === 0 ? ids : [...ids].reverse()).map((streamId) => ({ streamId, expected: 'any', events: [event(), event()] })))),
      ),
    );
    for (const streamId of ids) await expect(verifyStream(record.database, streamId)).resolves.toMatchObject({ intact: true, events: 80 });
    await expect(positions(ids[0] ?? '', 7)).resolves.toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
  });

  it('appends nothing when one request of a batch fails', async () => {
    const [good, bad] = [streamName(), streamName()];
    const batch = inTransaction(record.database, ({ sql }) => appendToStreams(sql, [{ streamId: good, expected: 'any', events: [event()] }, { streamId: bad, expected: 5, events: [event()] }]));
    await expect(batch).rejects.toMatchObject({ code: 'record-conflict' });
    await expect(positions(good, 10)).resolves.toEqual([]);
  });

  it('refuses a sealed stream, except to what closes it', async () => {
    const streamId = streamName();
    await append({ streamId, expected: 'none', events: [event()] });
    await query(record.database, 'update streams set sealed = true where id = $1', [streamId]);
    await expect(append({ streamId, expected: 'any', events: [event()] })).rejects.toMatchObject({ code: 'record-sealed' });
    await expect(append({ streamId, expected: 'any', events: [event()], evenIfSealed: true })).resolves.toMatchObject({ version: 2 });
  });

  it.each([
    ['changed text', `update events set data = '{"a":2}' where stream_id = $1 and position = 3`, 3],
    ['a changed type', `update events set type = 'Other' where stream_id = $1 and position = 2`, 2],
    ['a missing event', 'delete from events where stream_id = $1 and position = 4', 4],
    ['a cut-off end', 'delete from events where stream_id = $1 and position = 5', 5],
    ['a changed digest', `update events set digest = repeat('0', 64) where stream_id = $1 and position = 1`, 1],
  ])('finds %s', async (_name, tampering, position) => {
    const streamId = streamName();
    await append({ streamId, expected: 'none', events: Array.from({ length: 5 }, () => event()) });
    await expect(verifyStream(record.database, streamId)).resolves.toMatchObject({ intact: true, events: 5 });
    await query(record.database, tampering, [streamId]);
    await expect(verifyStream(record.database, streamId)).resolves.toMatchObject({ intact: false, position });
  });
});
