import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MillraceError } from '../errors/millrace-error.js';
import { judgedEvery, keepJudging } from './keep-judging.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a call that runs long', () => {
  it.each(['unauthorized', 'forbidden'] as const)('is ended once when its caller is %s, and not asked about any more', async (code) => {
    const lost: Error[] = [];
    let judged = 0;
    keepJudging({ judge: () => ((judged += 1) < 3 ? Promise.resolve() : Promise.reject(new MillraceError(code, 'no more'))), lost: (error) => void lost.push(error) });
    await jest.advanceTimersByTimeAsync(2 * judgedEvery);
    expect([judged, lost]).toEqual([2, []]);
    await jest.advanceTimersByTimeAsync(10 * judgedEvery);
    expect([judged, lost.map(({ message }) => message)]).toEqual([3, ['no more']]);
  });

  it('goes on while nobody can tell, and is ended as soon as somebody can', async () => {
    const lost: Error[] = [];
    let code: 'identity-unavailable' | 'unauthorized' = 'identity-unavailable';
    keepJudging({ judge: () => Promise.reject(new MillraceError(code, code)), lost: (error) => void lost.push(error) });
    await jest.advanceTimersByTimeAsync(5 * judgedEvery);
    expect(lost).toEqual([]);
    code = 'unauthorized';
    await jest.advanceTimersByTimeAsync(judgedEvery);
    expect(lost).toHaveLength(1);
  });

  it('is not ended after its end', async () => {
    const lost: Error[] = [];
    const answer = Promise.withResolvers<undefined>();
    const stop = keepJudging({ judge: () => answer.promise, lost: (error) => void lost.push(error) });
    await jest.advanceTimersByTimeAsync(judgedEvery);
    stop();
    answer.reject(new MillraceError('forbidden', 'too late'));
    await jest.advanceTimersByTimeAsync(judgedEvery);
    expect(lost).toEqual([]);
  });
});
