import { describe, expect, it } from '@jest/globals';
import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { createGenerationActivity } from './create-generation-activity.js';
import type { Compose } from '../../libs/compose/compose.js';
import type { ComposeEngine } from '../../libs/compose-engine/compose-engine.js';
import type { ComposeCommands } from '../../libs/compose-record/compose-commands.js';
import type { ErrorCode } from '../../libs/errors/millrace-error.js';

interface Play {
  readonly commands?: Partial<ComposeCommands>;
  readonly engine?: Partial<ComposeEngine>;
  readonly state?: Compose['state'];
  readonly generationSeconds?: number;
}

/** A record of one compose, as far as a generation needs it. */
function play({ commands = {}, engine = {}, state = 'generating', generationSeconds = 60 }: Play) {
  const compose = { id: 7, state, stateReason: 'why', owner: 'spec', expiresAt: '2027-01-01T00:00:00.000Z', submittedAt: '2026-11-21T00:00:00.000Z', startedAt: null, reusedId: null, version: 3, request: {} } as unknown as Compose;
  const calls: string[] = [];
  const noted = <T>(call: string, value: T) => (...args: readonly unknown[]): Promise<T> => {
    calls.push([call, ...args.slice(1).map((arg) => JSON.stringify(arg))].join(' '));
    return Promise.resolve(value);
  };
  const options = {
    commands: {
      begin: noted('begin', compose),
      pin: noted('pin', {}),
      unpin: noted('unpin', undefined),
      claimTree: noted('claim', { kind: 'generate', tree: { id: 7, targetDir: 'default' } }),
      complete: noted('complete', { ...compose, state: 'done' }),
      fail: noted('fail', { ...compose, state: 'failed' }),
      ...commands,
    } as unknown as ComposeCommands,
    reads: { get: () => Promise.resolve(compose) },
    engine: { check: () => undefined, pin: () => Promise.resolve({}), generate: () => Promise.resolve({ plan: 'p' }), remove: noted('remove', undefined), ...engine } as unknown as ComposeEngine,
    workflows: { changed: () => Promise.reject(new Error('no engine')), treeSettled: () => Promise.resolve() },
    generationSeconds: () => generationSeconds,
  };
  const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR', () => undefined) });
  const { generateCompose } = createGenerationActivity(options);
  return { calls, environment, run: () => environment.run(generateCompose, 7) };
}

const failing = (code: ErrorCode, message = 'because') => () => Promise.reject(new MillraceError(code, message));
const untilAborted: ComposeEngine['generate'] = (_job, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const failureOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'resolved', (error: unknown) => error);

describe('a generation', () => {
  it('begins, pins, claims, makes and completes', async () => {
    const { calls, run } = play({});
    expect(await run()).toMatchObject({ kind: 'ended', view: { state: 'done' } });
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['begin', 'pin', 'claim', 'complete']);
  });

  it.each([['follow', 'following'], ['reuse', 'ended']])('that finds another one’s files (%s) makes nothing', async (kind, outcome) => {
    const generate = () => Promise.reject(new Error('must not be called'));
    const { run } = play({ commands: { claimTree: () => Promise.resolve({ kind: kind as 'follow', tree: { id: 3, targetDir: 'default' } }) }, engine: { generate } });
    expect(await run()).toMatchObject({ kind: outcome });
  });

  it.each([['unresolvable', true], ['source-invalid', true], ['forbidden', true], ['tool-not-found', false]] as const)('that fails for good (%s) writes the reason into the record, without passwords', async (code, final) => {
    const { calls, run } = play({ engine: { generate: failing(code, 'https://user:secret@packages.test/os lacks ladle') } });
    expect(await run()).toMatchObject({ kind: 'ended', view: { state: 'failed' } });
    expect(calls.at(-1)).toBe(`fail "https://packages.test/os lacks ladle" {"final":${final}}`);
  });

  it('whose sources do not answer says so in the log that clients watch, without passwords', async () => {
    const { calls, run } = play({ engine: { pin: failing('source-unavailable', 'https://user:secret@packages.test/os does not answer'), note: (_tree, text) => void calls.push(`note ${text}`) } });
    expect(await failureOf(run())).toMatchObject({ type: 'source-unavailable' });
    expect(calls).toContain('note the sources cannot be pinned: https://packages.test/os does not answer');
  });

  it.each(['source-unavailable', 'storage-full', 'internal'] as const)('that may do better next time (%s) says so', async (code) => {
    const { calls, run } = play({ engine: { generate: failing(code, 'x'.repeat(5000)) } });
    const failure = (await failureOf(run())) as { type: string; nonRetryable: boolean; message: string };
    expect(failure).toMatchObject({ type: code, nonRetryable: false });
    expect(failure.message).toHaveLength(1000);
    expect(calls.join()).not.toContain('fail');
  });

  it('whose sources have changed forgets what they were', async () => {
    const { calls, run } = play({ engine: { generate: failing('source-changed') } });
    expect(await failureOf(run())).toMatchObject({ type: 'source-changed', nonRetryable: false });
    expect(calls.at(-1)).toBe('unpin "because"');
  });

  it('keeps what it has made while the database is away', async () => {
    let away = 3;
    const done = { state: 'done', stateReason: null } as Compose;
    const complete = () => (away-- > 0 ? Promise.reject(new MillraceError('database-unavailable', 'restarting')) : Promise.resolve(done));
    const { run } = play({ commands: { complete } });
    expect(await run()).toMatchObject({ kind: 'ended', view: { state: 'done' } });
    expect(away).toBe(-1);
  });

  it('that takes too long is stopped, and the reason says what to do', async () => {
    const { calls, run } = play({ engine: { generate: untilAborted }, generationSeconds: 0.05 });
    expect(await run()).toMatchObject({ kind: 'ended', view: { state: 'failed' } });
    expect(calls.at(-1)).toContain('MILLRACE_COMPOSE_TIMEOUT');
  });

  it('that is cancelled stops the engine', async () => {
    const { environment, run } = play({ engine: { generate: untilAborted } });
    const outcome = failureOf(run());
    setTimeout(() => environment.cancel('CANCELLED'), 20);
    expect(await outcome).toBeInstanceOf(CancelledFailure);
  });

  it('whose worker stops is handed over, even by an engine that does not listen', async () => {
    const { environment, run } = play({ engine: { generate: () => new Promise(() => undefined) } });
    const outcome = failureOf(run());
    setTimeout(() => environment.cancel('WORKER_SHUTDOWN'), 20);
    expect(await outcome).toMatchObject({ type: 'handed-over', nonRetryable: false });
  });

  it('that was cancelled when all was made leaves nothing', async () => {
    const { calls, run } = play({ commands: { complete: failing('compose-closed') }, state: 'failed' });
    expect(await run()).toMatchObject({ kind: 'ended', view: { state: 'failed' } });
    expect(calls.at(-1)).toBe('remove');
  });

  it('that has lost its claim to another attempt begins anew and removes nothing', async () => {
    const { calls, run } = play({ commands: { complete: failing('compose-closed') } });
    expect(await failureOf(run())).toMatchObject({ type: 'record-conflict', nonRetryable: false });
    expect(calls).not.toContain('remove');
  });
});
