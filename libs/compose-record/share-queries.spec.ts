import { describe, expect, it } from '@jest/globals';
import { shareQueries } from './share-queries.js';

describe('sharing queries', () => {
  function queries() {
    const runs: { readonly statement: string; readonly end: (result: number | Error) => void }[] = [];
    const ask = shareQueries<number>((statement) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      runs.push({ statement, end: (result) => (typeof result === 'number' ? resolve(result) : reject(result)) });
      return promise;
    });
    return { runs, ask };
  }

  it('gives who asks while one is running the answer of the next, and runs no more than these two', async () => {
    const { runs, ask } = queries();
    const first = ask('count', []);
    const others = [ask('count', []), ask('count', []), ask('count', [])];
    expect(runs).toHaveLength(1);
    runs[0]?.end(1);
    expect(await first).toBe(1);
    expect(runs).toHaveLength(2);
    const third = ask('count', []);
    runs[1]?.end(2);
    expect(await Promise.all(others)).toEqual([2, 2, 2]);
    expect(runs).toHaveLength(3);
    runs[2]?.end(3);
    expect(await third).toBe(3);
    void ask('count', []);
    expect(runs).toHaveLength(4);
  });

  it('keeps other parameters apart', () => {
    const { runs, ask } = queries();
    void ask('count', [1]);
    void ask('count', [2]);
    void ask('other', [1]);
    expect(runs.map(({ statement }) => statement)).toEqual(['count', 'count', 'other']);
  });

  it('lets a failure reach those who asked for it only', async () => {
    const { runs, ask } = queries();
    const first = ask('count', []);
    const second = ask('count', []);
    runs[0]?.end(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    runs[1]?.end(7);
    expect(await second).toBe(7);
  });
});
