import { describe, expect, it } from '@jest/globals';
import { createTurns } from './session-turns.js';

/** Work that ends when told. */
function controlled() {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (end = resolve));
  return { done, end };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('let so many of one key run at once, in order, and others beside them', async () => {
    const turns = createTurns(2);
    const began: string[] = [];
    const works = ['a1', 'a2', 'a3', 'b1'].map((name) => ({ name, ...controlled() }));
    const all = works.map(({ name, done }) => turns.take(name.slice(0, 1), undefined, () => (began.push(name), done)));
    await settle();
    expect(began).toEqual(['a1', 'a2', 'b1']);
    works[0]?.end();
    await settle();
    expect(began).toEqual(['a1', 'a2', 'b1', 'a3']);
    for (const { end } of works) end();
    await Promise.all(all);
  });

  it('are given up while one waits, and taken again', async () => {
    const turns = createTurns(1);
    const began: string[] = [];
    const [waiting, second] = [controlled(), controlled()];
    const one = turns.take('a', undefined, async () => {
      began.push('one');
      await turns.without('a', () => waiting.done);
      began.push('one again');
    });
    const two = turns.take('a', undefined, () => (began.push('two'), second.done));
    await settle();
    waiting.end();
    await settle();
    expect(began).toEqual(['one', 'two']);
    second.end();
    await Promise.all([one, two]);
    expect(began).toEqual(['one', 'two', 'one again']);
  });

  it('are not lost by work that is aborted in its queue or while it waits, or that fails', async () => {
    const turns = createTurns(1);
    const first = controlled();
    const one = turns.take('a', undefined, () => first.done);
    const abort = new AbortController();
    const queued = turns.take('a', abort.signal, () => Promise.resolve('never'));
    abort.abort(new Error('given up'));
    await expect(queued).rejects.toThrow('given up');
    first.end();
    await one;
    await expect(turns.take('a', undefined, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    // Given up while it waited for what it consults: what it waited for comes later.
    const late = controlled();
    const holder = controlled();
    await turns.take('a', undefined, () => {
      void turns.without('a', () => late.done);
      return Promise.resolve();
    });
    const other = turns.take('a', undefined, () => holder.done);
    late.end();
    await settle();
    const began: string[] = [];
    const next = turns.take('a', undefined, () => Promise.resolve(began.push('next')));
    await settle();
    expect(began).toEqual([]);
    holder.end();
    await Promise.all([other, next]);
    expect(await turns.take('a', undefined, () => Promise.resolve('works'))).toBe('works');
  });
});
