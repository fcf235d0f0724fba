import { describe, expect, it } from '@jest/globals';
import { cachedProbe } from './cached-probe.js';

describe('a probe', () => {
  it('asks once for all who want to know within some seconds, and then again', async () => {
    let [time, asked] = [0, 0];
    let check = (): Promise<void> => Promise.resolve();
    const probe = cachedProbe(() => ((asked += 1), check()), { trusted: 3000, now: () => time });
    expect(await Promise.all([probe(), probe(), probe()])).toEqual([true, true, true]);
    check = () => Promise.reject(new Error('away'));
    time = 2999;
    expect([await probe(), asked]).toEqual([true, 1]);
    time = 3000;
    expect([await probe(), asked]).toEqual([false, 2]);
  });

  it('takes what hangs for away, and does not ask it again before it has answered', async () => {
    let asked = 0;
    const answer = Promise.withResolvers<undefined>();
    const probe = cachedProbe(() => ((asked += 1), answer.promise), { deadline: 20 });
    expect([await probe(), await probe(), asked]).toEqual([false, false, 1]);
    answer.resolve(undefined);
    expect([await probe(), asked]).toEqual([true, 1]);
  });
});
