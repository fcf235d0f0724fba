import { describe, expect, it } from '@jest/globals';
import { takeTurns } from './take-turns.js';

function work() {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const piece = (number: number) => () =>
    new Promise<number>((resolve) => {
      begun.push(number);
      ends[number] = () => resolve(number);
    });
  return { begun, ends, piece };
}

describe('taking turns', () => {
  it('lets two at once, and the others in their order', async () => {
    const { begun, ends, piece } = work();
    const inTurn = takeTurns({ limit: 2, milliseconds: 60_000 });
    const all = [0, 1, 2, 3].map((number) => inTurn(piece(number)));
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[1]?.();
    expect(await all[1]).toBe(1);
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2]);
    for (const number of [0, 2]) {
      ends[number]?.();
      await all[number];
    }
    ends[3]?.();
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3]);
    expect(await inTurn(() => Promise.resolve('free again'))).toBe('free again');
  });

  it('hands the turn on when a piece of work fails', async () => {
    const inTurn = takeTurns({ limit: 1, milliseconds: 60_000 });
    const failing = inTurn(() => Promise.reject(new Error('no')));
    const next = inTurn(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  it('gives up on who has waited too long, and only on that one', async () => {
    const { begun, ends, piece } = work();
    const inTurn = takeTurns({ limit: 1, milliseconds: 10 });
    const first = inTurn(piece(0));
    await expect(inTurn(piece(1))).rejects.toMatchObject({ code: 'database-unavailable' });
    ends[0]?.();
    expect(await first).toBe(0);
    expect(await inTurn(() => Promise.resolve('after'))).toBe('after');
    expect(begun).toEqual([0]);
  });
});
