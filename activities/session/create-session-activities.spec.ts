import { describe, expect, it } from '@jest/globals';
import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { createSessionActivities } from './create-session-activities.js';
import type { OpenSession, SessionCommands } from '../../libs/session-record/session-commands.js';
import type { SessionInput } from '../../workflows/session/session-messages.js';

const input: SessionInput = { sessionId: 'abc', policy: 'strict', owner: 'builder', tokenSha256: 'ab'.repeat(32) };
const closed = { sessionId: 'abc', endedAt: '2026-11-21T00:00:00.000Z', retained: false };

function commands(changes: Partial<SessionCommands> = {}): SessionCommands & { readonly opened: OpenSession[] } {
  const opened: OpenSession[] = [];
  return {
    opened,
    open: async (command) => {
      opened.push(command);
      return { openedAt: 'o', expiresAt: 'e' };
    },
    revoke: async (sessionId) => ({ sessionId, openedAt: 'o', revokedAt: 'r' }),
    end: async () => closed,
    expire: async () => closed,
    ...changes,
  };
}

const run = <T>(activity: () => Promise<T>): Promise<T> => new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR', () => undefined) }).run(activity);
const failureOf = async (activity: () => Promise<unknown>): Promise<{ type?: unknown; nonRetryable?: unknown; message?: unknown }> => run(activity).then(() => ({}), (error: object) => error);

describe('session activities', () => {
  it('open with the defaults of the contract', async () => {
    const record = commands();
    await run(() => createSessionActivities({ commands: record, permissive: false }).openSession(input));
    expect(record.opened).toEqual([{ ...input, timeoutSeconds: 21_600, retain: false, inspectorsConfiguration: {} }]);
  });

  it('refuse a permissive session unless the settings allow it', async () => {
    const record = commands();
    const permissive: SessionInput = { ...input, policy: 'permissive' };
    expect(await failureOf(() => createSessionActivities({ commands: record, permissive: false }).openSession(permissive))).toMatchObject({ type: 'policy-not-allowed', nonRetryable: true });
    expect(record.opened).toHaveLength(0);
    await run(() => createSessionActivities({ commands: record, permissive: true }).openSession(permissive));
    expect(record.opened).toHaveLength(1);
  });

  it('hand on the code of an error and whether it is worth a retry', async () => {
    const failing = (code: 'database-unavailable' | 'session-not-found') =>
      createSessionActivities({ permissive: false, commands: commands({ end: async () => Promise.reject(new MillraceError(code, 'because')) }) });
    expect(await failureOf(() => failing('database-unavailable').endSession('abc', 'me'))).toMatchObject({ type: 'database-unavailable', nonRetryable: false });
    expect(await failureOf(() => failing('session-not-found').endSession('abc', 'me'))).toMatchObject({ type: 'session-not-found', nonRetryable: true });
  });

  it('do not try again to open a session whose id is taken, but to revoke one whose proxies are slow', async () => {
    const conflict = (): Promise<never> => Promise.reject(new MillraceError('record-conflict', 'because'));
    const activities = createSessionActivities({ permissive: false, commands: commands({ open: conflict, revoke: conflict }) });
    expect(await failureOf(() => activities.openSession(input))).toMatchObject({ type: 'record-conflict', nonRetryable: true });
    expect(await failureOf(() => activities.revokeToken('abc', 'me'))).toMatchObject({ type: 'record-conflict', nonRetryable: false });
  });

  it('keep the text of foreign errors out of the history', async () => {
    const activities = createSessionActivities({ permissive: false, commands: commands({ revoke: async () => Promise.reject(new TypeError('postgresql://user:password@host')) }) });
    const failure = await failureOf(() => activities.revokeToken('abc', 'me'));
    expect(failure).toMatchObject({ type: 'internal', nonRetryable: false });
    expect(JSON.stringify([failure.message, (failure as { cause?: unknown }).cause])).not.toContain('password');
  });
});
