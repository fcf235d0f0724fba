import { describe, expect, it } from '@jest/globals';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import type { LiveSession } from '../ports.js';
import { createRedirectMemory } from './redirect-memory.js';

describe('createRedirectMemory', () => {
  it('keeps no more long URLs in memory than it may, and the others in the knowledge of the session', async () => {
    const knowledge = createMemorySessionKnowledge();
    let asked = 0;
    const session: Pick<LiveSession, 'id' | 'knowledge'> = {
      id: 'a'.repeat(32),
      knowledge: { put: (key, value) => knowledge.put(key, value), get: (key) => ((asked += 1), knowledge.get(key)), replace: () => Promise.reject(new Error('not asked')) },
    };
    const memory = createRedirectMemory();
    const long = (index: number): string => `http://h.example/${String(index).padEnd(8000, 'x')}`;
    for (let index = 0; index < 1200; index += 1) await memory.remember(session as LiveSession, { from: 'http://h.example/', location: long(index), judgedAs: `${long(index)}/from` });
    expect([await memory.find(session as LiveSession, long(1199)), asked]).toEqual([`${long(1199)}/from`, 0]);
    expect([await memory.find(session as LiveSession, long(0)), asked]).toEqual([`${long(0)}/from`, 1]);
  });
});
