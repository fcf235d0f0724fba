import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { sweepRepositories } from './repository-sweep.js';
import type { Repository } from '../../libs/repository/repository.js';

/** Rounds by a clock that the spec moves. */
function swept({ unsettled, names = [], fails }: { readonly unsettled: () => readonly string[]; readonly names?: readonly string[]; readonly fails?: () => MillraceError | undefined }) {
  const told: string[] = [];
  let clock = 0;
  const call = (what: string) => async (name: string) => {
    const failure = fails?.();
    if (failure !== undefined) throw failure;
    told.push(`${what} ${name}`);
  };
  const round = sweepRepositories({
    reads: {
      unsettled: async () => unsettled(),
      list: async ({ limit, after = '' }) => names.filter((name) => name > after).slice(0, limit).map((name) => ({ name }) as Repository),
    },
    workflows: { start: call('start'), poke: call('poke') },
    log: pino({ level: 'silent' }),
    now: () => clock,
  });
  return { told, round, pass: (milliseconds: number) => void (clock += milliseconds) };
}

describe('the sweep of repositories', () => {
  it('starts the workflow of each at first and now and then, on as many pages as there are', async () => {
    const names = Array.from({ length: 1201 }, (_, index) => `r${String(index).padStart(4, '0')}`);
    const { told, round, pass } = swept({ unsettled: () => [], names });
    await round();
    expect(told).toEqual(names.map((name) => `start ${name}`));
    await round();
    expect(told).toHaveLength(1201);
    pass(300_001);
    await round();
    expect(told).toHaveLength(2402);
  });

  it('tells a workflow that its record is unsettled when it still is a round later, and not all the time', async () => {
    let unsettled = ['a', 'b'];
    const { told, round, pass } = swept({ unsettled: () => unsettled });
    await round();
    expect(told).toEqual([]);
    unsettled = ['b'];
    await round();
    await round();
    expect(told).toEqual(['poke b']);
    pass(15_000);
    await round();
    expect(told).toEqual(['poke b', 'poke b']);
  });

  it('rejects while Temporal is away, and begins again', async () => {
    let away = true;
    const { told, round } = swept({ unsettled: () => [], names: ['a'], fails: () => (away ? new MillraceError('workflow-engine-unavailable', 'away') : undefined) });
    await expect(round()).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    away = false;
    await round();
    expect(told).toEqual(['start a']);
  });
});
