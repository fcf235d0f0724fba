import { describe, expect, it } from '@jest/globals';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { changeList, readList } from './session-list.js';

describe('changeList', () => {
  it('loses nothing of what one process adds at once', async () => {
    const knowledge = createMemorySessionKnowledge();
    await Promise.all(Array.from({ length: 50 }, (_, number) => changeList<number>(knowledge, 'x', (entries) => [...entries, number])));
    expect([...(await readList<number>(knowledge, 'x'))].sort((one, other) => one - other)).toEqual(Array.from({ length: 50 }, (_, number) => number));
  });

  it('sees that another thread has replaced what it put', async () => {
    const shared = createMemorySessionKnowledge();
    const threads = [{ ...shared }, { ...shared }];
    await Promise.all(threads.map((knowledge, number) => changeList<number>(knowledge, 'x', (entries) => [number, ...entries.filter((other) => other !== number)])));
    expect(new Set(await readList<number>(shared, 'x'))).toEqual(new Set([0, 1]));
  });
});
