import { expect, it } from '@jest/globals';
import { createMemorySessionKnowledge } from '../../testing/memory-session-knowledge.js';
import { addToList, readList } from './spread-list.js';

it('keeps every item, also of those that are added at the same moment, and each once', async () => {
  const knowledge = createMemorySessionKnowledge();
  const items = Array.from({ length: 40 }, (_, number) => `https://archive.example/dists/s${number}/`);
  await Promise.all([...items, ...items.slice(0, 10)].map((item) => addToList(knowledge, 'apt/list', item)));
  await addToList(knowledge, 'apt/list', items[0] as string);
  expect([...(await readList(knowledge, 'apt/list'))].sort()).toEqual(items.toSorted());
  expect(await readList(knowledge, 'apt/other')).toEqual([]);
});
