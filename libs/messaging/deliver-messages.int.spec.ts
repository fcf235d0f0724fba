import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { openDatabase } from '../database/open-database.js';
import { inTransaction, query } from '../database/sql.js';
import { messageBody, openMessageScene, registered, topic, until, type MessageScene, type SpecMessage } from './__fixtures__/message-scene.js';
import { createMessageDelivery } from './create-message-delivery.js';
import { leaveMessage } from './leave-message.js';
import { readMessageBacklog } from './message-backlog.js';
import type { DeliverableMessage, MessageSink, PublishResult } from './message-sink.js';
import { listenForMessages } from './message-wake.js';
import { removeOldMessages } from './remove-old-messages.js';

let scene: MessageScene;
beforeAll(async () => {
  scene = await openMessageScene();
});
afterEach(async () => {
  await scene?.reset();
});
afterAll(async () => {
  await scene?.close();
});

interface MemorySink extends MessageSink {
  readonly messages: DeliverableMessage[];
  readonly bodies: () => SpecMessage[];
}

/** A destination in memory; `answer` says what becomes of a batch. */
function memorySink(name: string, { from = 'now', answer }: { from?: 'now' | 'oldest'; answer?: (messages: readonly DeliverableMessage[]) => PublishResult | Promise<PublishResult> } = {}): MemorySink {
  const messages: DeliverableMessage[] = [];
  return {
    name,
    type: 'memory',
    from,
    batch: 10,
    messages,
    bodies: () => messages.map(({ body }) => JSON.parse(body) as SpecMessage),
    async publish(batch) {
      const result = (await answer?.(batch)) ?? { accepted: batch.length };
      messages.push(...batch.slice(0, result.accepted));
      return result;
    },
    close: () => Promise.resolve(),
  };
}

const silent = pino({ level: 'silent' });
const deliveryOf = (options: { readonly lease?: number; readonly patience?: number } = {}) => createMessageDelivery({ database: scene.database, log: silent, ...options });
const pendingOf = async (sink: string) => (await readMessageBacklog(scene.database)).find((backlog) => backlog.sink === sink)?.pending;
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('delivery of messages', () => {
  it('sends nothing of a transaction that is rolled back', async () => {
    const sink = memorySink('one');
    const delivery = deliveryOf();
    await delivery.register(sink);
    await expect(
      inTransaction(scene.database, async ({ sql }) => {
        await leaveMessage(sql, { streamId: 'compose:1', topic, body: messageBody('compose:1', 1) });
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    await scene.leave('compose:1', 2);
    while (await delivery.deliver(sink));
    expect(sink.bodies()).toMatchObject([messageBody('compose:1', 2)]);
  });

  it('passes over no message whose transaction is committed after a later one', async () => {
    const sink = memorySink('one');
    const delivery = deliveryOf();
    await delivery.register(sink);
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = inTransaction(scene.database, async ({ sql }) => {
      await leaveMessage(sql, { streamId: 'compose:1', topic, body: messageBody('compose:1', 1) });
      begun.resolve();
      await goOn.promise;
    });
    await begun.promise;
    await scene.leave('compose:2', 2);
    while (await delivery.deliver(sink));
    expect(sink.bodies()).toMatchObject([messageBody('compose:2', 2)]);
    goOn.resolve();
    await slow;
    while (await delivery.deliver(sink));
    expect(sink.bodies()).toMatchObject([messageBody('compose:2', 2), messageBody('compose:1', 1)]);
  });

  it('keeps the order of a stream also when the transaction that came second to its lock is the older one', async () => {
    const sink = memorySink('one');
    const delivery = deliveryOf();
    await delivery.register(sink);
    await query(scene.database, `insert into streams (id, last_digest) values ('compose:1', '')`);
    const underLock = (number: number, before: () => Promise<void>) =>
      inTransaction(scene.database, async ({ sql }) => {
        await sql('select pg_current_xact_id()');
        await before();
        await sql(`select 1 from streams where id = 'compose:1' for update`);
        await leaveMessage(sql, { streamId: 'compose:1', topic, body: messageBody('compose:1', number) });
      });
    await underLock(2, async () => {
      await underLock(1, () => Promise.resolve());
    });
    while (await delivery.deliver(sink));
    expect(sink.bodies().map(({ compose }) => compose.id)).toEqual([1, 2]);
  });

  it('begins at now for a new sink, or with what is still kept when told so', async () => {
    const early = memorySink('early');
    const delivery = deliveryOf();
    await delivery.register(early);
    await scene.leave('compose:1', 1);
    const late = memorySink('late');
    const everything = memorySink('everything', { from: 'oldest' });
    for (const sink of [late, everything]) await delivery.register(sink);
    await scene.leave('compose:1', 2);
    for (const sink of [early, late, everything]) while (await delivery.deliver(sink));
    expect([early, late, everything].map((sink) => sink.bodies().map(({ compose }) => compose.id))).toEqual([[1, 2], [2], [1, 2]]);
  });

  it('gives a sink at once only messages of different streams, and takes over what it accepted', async () => {
    const batches: number[][] = [];
    const sink = memorySink('one', {
      answer: (batch) => {
        batches.push(batch.map(({ body }) => (JSON.parse(body) as SpecMessage).compose.id));
        return batches.length === 1 ? { accepted: 1, failure: { reason: 'the second one not now' } } : { accepted: batch.length };
      },
    });
    const delivery = createMessageDelivery({ database: scene.database, log: silent, firstPause: 0 });
    await delivery.register(sink);
    for (const [stream, number] of [['a', 1], ['b', 2], ['c', 3], ['b', 4], ['d', 5]] as const) await scene.leave(stream, number);
    expect(await delivery.deliver(sink)).toBe(false);
    while (await delivery.deliver(sink));
    expect(batches).toEqual([[1, 2, 3], [2, 3], [4, 5]]);
  });

  it('is woken by the commit, and by nothing before', async () => {
    const abort = new AbortController();
    const wake = listenForMessages(scene.url, abort.signal);
    await until(() => wake.count() > 0);
    const before = wake.count();
    const woken = wake.wait(before, 2 ** 30, abort.signal);
    await inTransaction(scene.database, async ({ sql }) => {
      await leaveMessage(sql, { streamId: 'compose:1', topic, body: messageBody('compose:1', 1) });
      expect(wake.count()).toBe(before);
    });
    await woken;
    expect(wake.count()).toBeGreaterThan(before);
    abort.abort();
  });

  it('does not let a sink that fails or hangs hold up another, and keeps its last error', async () => {
    const failing = memorySink('failing', { answer: () => Promise.reject(new Error('no broker here')) });
    const hanging = memorySink('hanging', { answer: () => new Promise(() => undefined) });
    const well = memorySink('well');
    scene.deliver([failing, hanging, well], { patience: 0.2 });
    await registered(scene.database, 3);
    for (const number of numbers(1, 20)) await scene.leave('compose:1', number);
    await until(async () => (await pendingOf('well')) === 0);
    await until(async () => (await readMessageBacklog(scene.database)).filter(({ lastError }) => lastError !== null).length === 2);
    expect(await readMessageBacklog(scene.database)).toMatchObject([
      { sink: 'failing', pending: 20, delivered: 0, lastError: 'no broker here' },
      { sink: 'hanging', pending: 20, delivered: 0, lastError: 'no answer within 0.2 s' },
      { sink: 'well', pending: 0, delivered: 20, lastError: null },
    ]);
  });

  it('ends soon when the worker is stopped, although a sink hangs, which is not that sink’s failure', async () => {
    const called = Promise.withResolvers<void>();
    const hanging = memorySink('hanging', {
      answer: () => {
        called.resolve();
        return new Promise(() => undefined);
      },
    });
    const stop = scene.deliver([hanging]);
    await registered(scene.database, 1);
    await scene.leave('compose:1', 1);
    await called.promise;
    await stop();
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ pending: 1, attempts: 0, lastError: null }]);
    const well = memorySink('hanging');
    while (await deliveryOf().deliver(well));
    expect(well.messages).toHaveLength(1);
  }, 15_000);

  it('waits twice as long after each failure, and no longer than a minute', async () => {
    const sink = memorySink('one', { answer: () => Promise.reject(new Error('no broker here')) });
    const delivery = deliveryOf();
    await delivery.register(sink);
    await scene.leave('compose:1', 1);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await delivery.deliver(sink);
      const [row] = await query<{ pause: string }>(scene.database, `select extract(epoch from due_at - now()) as pause from message_sinks`);
      pauses.push(Math.round(Number(row?.pause) * 2) / 2);
      await query(scene.database, 'update message_sinks set due_at = now()');
    }
    expect(pauses).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ attempts: 10, pending: 1 }]);
  });

  it('never passes over a message of a broker, however often it fails', async () => {
    const sink = memorySink('one', { answer: () => ({ accepted: 0, failure: { reason: 'nack' } }) });
    const delivery = createMessageDelivery({ database: scene.database, log: silent, firstPause: 0 });
    await delivery.register(sink);
    await scene.leave('compose:1', 1);
    for (let attempt = 0; attempt < 20; attempt += 1) await delivery.deliver(sink);
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ attempts: 20, pending: 1, skipped: 0 }]);
  });
});

describe('several workers', () => {
  it('deliver each message once between them', async () => {
    const other = await openDatabase(scene.url);
    const [one, two] = [memorySink('shared'), memorySink('shared')];
    scene.deliver([one]);
    const stopOther = scene.deliver([two], { database: other });
    await registered(scene.database, 1);
    await Promise.all(['a', 'b', 'c', 'd'].map(async (stream) => {
      for (const number of numbers(1, 50)) await scene.leave(stream, number);
    }));
    await until(async () => (await pendingOf('shared')) === 0);
    await stopOther();
    await other.close();
    expect(one.messages.length + two.messages.length).toBe(200);
    expect(new Set([...one.messages, ...two.messages].map(({ messageId }) => messageId)).size).toBe(200);
  });

  it('take over when the claim of one is over, and what that one notes then counts for nothing', async () => {
    const inTheMiddle = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const paused = memorySink('shared', {
      answer: async (batch) => {
        inTheMiddle.resolve();
        await goOn.promise;
        return { accepted: batch.length };
      },
    });
    const well = memorySink('shared');
    const [slow, quick] = [deliveryOf({ lease: 0.3 }), deliveryOf()];
    await slow.register(paused);
    for (const number of numbers(1, 3)) await scene.leave(`compose:${number}`, number);
    const delivering = slow.deliver(paused);
    await inTheMiddle.promise;
    expect(await quick.deliver(well)).toBe(false);
    expect(well.messages).toEqual([]);
    await until(async () => {
      await quick.deliver(well);
      return well.messages.length === 3;
    });
    goOn.resolve();
    expect(await delivering).toBe(false);
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ delivered: 3, pending: 0 }]);
  });
});

describe('removal of messages', () => {
  const left = async () => (await query<{ id: string }>(scene.database, 'select id from outbound_messages order by id')).map(({ id }) => Number(id));

  it('leaves what a sink has not got yet, and removes what all have', async () => {
    const [one, two] = [memorySink('one'), memorySink('two')];
    const delivery = deliveryOf();
    for (const sink of [one, two]) await delivery.register(sink);
    for (const number of numbers(1, 3)) await scene.leave('compose:1', number);
    while (await delivery.deliver(one));
    await delivery.deliver(two);
    await expect(removeOldMessages(scene.database, { retention: 7 })).resolves.toEqual({ removed: 1, lost: [] });
    expect(await left()).toHaveLength(2);
    while (await delivery.deliver(two));
    expect(two.messages).toHaveLength(3);
    await removeOldMessages(scene.database, { retention: 7 });
    expect(await left()).toEqual([]);
  });

  it('removes everything where there is no sink, and forgets a sink that no worker has spoken of for so long', async () => {
    await deliveryOf().register(memorySink('gone'));
    await scene.leave('compose:1', 1);
    await removeOldMessages(scene.database, { retention: 7 });
    expect(await left()).toHaveLength(1);
    await query(scene.database, `update message_sinks set seen_at = now() - interval '8 days'`);
    await removeOldMessages(scene.database, { retention: 7 });
    expect(await left()).toEqual([]);
    expect(await readMessageBacklog(scene.database)).toEqual([]);
  });

  it('removes what is too old although a sink has not got it, and counts it', async () => {
    const [down, well] = [memorySink('down'), memorySink('well')];
    const delivery = deliveryOf();
    for (const sink of [down, well]) await delivery.register(sink);
    for (const number of numbers(1, 3)) await scene.leave('compose:1', number);
    while (await delivery.deliver(well));
    await query(scene.database, `update outbound_messages set created_at = now() - interval '8 days' where id in (select id from outbound_messages order by id limit 2)`);
    await expect(removeOldMessages(scene.database, { retention: 7 })).resolves.toEqual({ removed: 2, lost: [{ sink: 'down', messages: 2 }] });
    while (await delivery.deliver(down));
    expect(down.bodies().map(({ compose }) => compose.id)).toEqual([3]);
    expect(await readMessageBacklog(scene.database)).toMatchObject([{ sink: 'down', expired: 2, delivered: 1 }, { sink: 'well', expired: 0, delivered: 3 }]);
  });
});
