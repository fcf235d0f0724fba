import { describe, expect, it } from '@jest/globals';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { changeKnowledge } from './change-knowledge.js';

describe('changeKnowledge', () => {
  it('loses nothing that is added at once, as by several threads', async () => {
    const shared = createMemorySessionKnowledge();
    const add = (number: number): Promise<void> => changeKnowledge({ ...shared }, 'x', (before) => `${before ?? ''}${number},`);
    await Promise.all(Array.from({ length: 30 }, (_, number) => add(number)));
    expect((await shared.get('x'))?.split(',').filter((item) => item !== '').map(Number).sort((one, other) => one - other)).toEqual(Array.from({ length: 30 }, (_, number) => number));
  });

  it('leaves alone what shall not be changed', async () => {
    const knowledge = { ...createMemorySessionKnowledge(), replace: () => Promise.reject(new Error('must not be asked')) };
    await knowledge.put('x', 'y');
    await changeKnowledge(knowledge, 'x', () => undefined);
    await changeKnowledge(knowledge, 'x', (before) => before);
  });

  it('gives up with a reason when it never comes through', async () => {
    const knowledge = { ...createMemorySessionKnowledge(), replace: () => Promise.resolve(false) };
    await expect(changeKnowledge(knowledge, 'x', () => 'y')).rejects.toThrow('too many inspections at once');
  });
});
