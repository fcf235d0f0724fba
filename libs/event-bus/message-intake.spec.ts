import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '../errors/millrace-error.js';
import type { BusMessage } from '../compose-rules/bus-message.js';
import type { NewParkedMessage, UnreadMessage } from './incoming-messages.js';
import { createMessageIntake } from './message-intake.js';
import { messageLimit, type RawMessage } from './read-bus-message.js';
import { retryParkedMessage } from './retry-parked-message.js';

const rawOf = (text: string, changes: Partial<RawMessage> = {}): RawMessage => ({ bus: 'fedora', id: '1', topic: 'a.b', encoding: null, bytes: Buffer.from(text), ...changes });
const away = () => new MillraceError('database-unavailable', 'away');

function memory({ failures = 0, error = away() }: { failures?: number; error?: Error } = {}) {
  const accepted: BusMessage[] = [];
  const parked: (NewParkedMessage & { unread: UnreadMessage | undefined })[] = [];
  let left = failures;
  const fail = (): void => {
    left -= 1;
    if (left >= 0) throw error;
  };
  return {
    accepted,
    parked,
    messages: {
      accept: async (message: BusMessage) => {
        fail();
        const known = accepted.some(({ id }) => id === message.id);
        if (!known) accepted.push(message);
        return { position: 1, known };
      },
      park: async (message: NewParkedMessage, unread?: UnreadMessage) => {
        fail();
        parked.push({ ...message, unread });
      },
    },
  };
}

describe('the intake of messages', () => {
  it('takes what can be read, once', async () => {
    const { messages, accepted } = memory();
    const intake = createMessageIntake({ messages, patience: 0 });
    await expect(intake.take(rawOf('{"n":1}'))).resolves.toBe('accepted');
    await expect(intake.take(rawOf('{"n":1}'))).resolves.toBe('known');
    expect(accepted).toEqual([{ bus: 'fedora', id: '1', topic: 'a.b', body: { n: 1 } }]);
  });

  it('parks what cannot, with its reason and what came, unless that is too much to keep', async () => {
    const { messages, parked } = memory();
    const intake = createMessageIntake({ messages, patience: 0 });
    await expect(intake.take(rawOf('{'))).resolves.toBe('parked');
    await intake.take(rawOf(' '.repeat(messageLimit + 1)));
    await intake.take(rawOf('x', { unreadable: 'no message' }));
    expect(parked).toMatchObject([
      { bus: 'fedora', topic: 'a.b', position: null, rule: null, reason: 'the document is not valid JSON', excerpt: '{', unread: { bytes: Buffer.from('{'), details: { id: '1', topic: 'a.b', encoding: null, sha256: '021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96' } } },
      { reason: 'the message is larger than 1048576 bytes', unread: { bytes: null } },
      { reason: 'no message', unread: { bytes: null } },
    ]);
  });

  it('reads no more large messages at once than there is memory for, and small ones all together', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let begun = 0;
    const accept = async () => {
      begun += 1;
      await promise;
      return { position: 1, known: false };
    };
    const intake = createMessageIntake({ messages: { accept, park: async () => undefined }, patience: 0 });
    const large = `"${'x'.repeat(messageLimit - 2)}"`;
    const taking = Array.from({ length: 30 }, () => intake.take(rawOf(large)));
    await new Promise(setImmediate);
    expect(begun).toBe(8);
    resolve();
    await Promise.all(taking);
    expect(begun).toBe(30);
    const many = createMessageIntake({ messages: { accept: () => new Promise(() => (begun += 1)), park: async () => undefined }, patience: 0 });
    for (let index = 0; index < 1000; index += 1) void many.take(rawOf('{"n":1}', { encoding: 'utf-8' }));
    await new Promise(setImmediate);
    expect(begun).toBe(1030);
  });

  it('parks what the record refuses for good', async () => {
    const { messages, parked } = memory({ failures: 1, error: new Error('no such encoding') });
    await expect(createMessageIntake({ messages, patience: 0 }).take(rawOf('{}'))).resolves.toBe('parked');
    expect(parked).toMatchObject([{ reason: 'the record refuses it: no such encoding' }]);
  });

  it.each(['{}', '{'])('waits for a record that is away for a moment: %s', async (text) => {
    const { messages, accepted, parked } = memory({ failures: 2 });
    await createMessageIntake({ messages, patience: 60_000 }).take(rawOf(text));
    expect(accepted.length + parked.length).toBe(1);
  });

  it('gives a message back when the record stays away, or when it is stopped', async () => {
    const { messages } = memory({ failures: 1000 });
    await expect(createMessageIntake({ messages, patience: 150 }).take(rawOf('{}'))).rejects.toMatchObject({ code: 'database-unavailable' });
    const abort = new AbortController();
    const waiting = createMessageIntake({ messages, patience: 600_000 }).take(rawOf('{}'), { signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'database-unavailable' });
  });
});

describe('retrying a parked message', () => {
  const base = { id: 3, bus: 'fedora', topic: 'a.b', position: null, rule: null, reason: 'why', excerpt: '', parkedAt: '2026-03-20T10:00:00.000Z' };
  const unread = { bytes: Buffer.from('{"n":1}'), details: { id: null, topic: 'a.b', encoding: null, sha256: '' } };
  const steps: string[] = [];
  const retry = (parked: object, refusal?: Error) => {
    steps.length = 0;
    const { messages, accepted } = memory();
    const of = { ...base, unread: null, ...parked };
    const all = { ...messages, parkedMessage: async () => of, unpark: async () => (steps.push('unpark'), base) };
    const replay = async (rule: string, position: number): Promise<void> => {
      steps.push(`replay ${rule} ${position}`);
      if (refusal !== undefined) throw refusal;
    };
    return retryParkedMessage(3, { messages: all, replay }).then(() => accepted);
  };

  it('has its rule look at it before it is forgotten', async () => {
    await retry({ rule: 'nightly', position: 7 });
    expect(steps).toEqual(['replay nightly 7', 'unpark']);
    await expect(retry({ rule: 'nightly', position: 7 }, away())).rejects.toThrow('away');
    expect(steps).toEqual(['replay nightly 7']);
  });

  it('reads again what nobody could read', async () => {
    expect(await retry({ unread })).toMatchObject([{ topic: 'a.b', body: { n: 1 } }]);
    expect(steps).toEqual(['unpark']);
  });

  it('keeps what still cannot be read, and says so', async () => {
    await expect(retry({ unread: { ...unread, bytes: Buffer.from('{') } })).rejects.toMatchObject({ code: 'invalid-request', message: 'parked message 3 still cannot be read: the document is not valid JSON' });
    await expect(retry({})).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('was not kept') });
    expect(steps).toEqual([]);
  });
});
