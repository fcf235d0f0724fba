import { describe, expect, it } from '@jest/globals';
import { keepAnswer } from './kept-answer.js';

const minute = 60_000;

describe('an answer that is kept', () => {
  it('is used while there is no newer one, also when who is asked takes for ever', async () => {
    let time = 0;
    let asked = 0;
    const answers = [Promise.resolve('old'), new Promise<string>(() => undefined)];
    const { get } = keepAnswer({ ask: async () => answers[asked++] ?? Promise.reject(new Error('asked again')), now: () => time, freshFor: 10 * minute, keptFor: 60 * minute, notBefore: minute / 2 });
    expect(await get()).toBe('old');
    time = 11 * minute;
    expect(await Promise.all([get(), get()])).toEqual(['old', 'old']);
    expect(asked).toBe(2);
  });
});
