import { describe, expect, it } from '@jest/globals';
import type { EntryName } from '../cache/cache-entry.js';
import { createSessionTakings, type Taking } from './session-takings.js';

const entry = (key: string, qualifiers: Readonly<Record<string, string>> = {}): EntryName => ({ instance: 'main', kind: 'blob', key, qualifiers });

describe('what sessions take', () => {
  it('is written once for each entry and way, however often it is read', async () => {
    const written: Taking[] = [];
    const takings = createSessionTakings({ record: async (taking) => void written.push(taking), onLost: fail });
    for (let count = 0; count < 100; count += 1) takings.note('s1', entry('a', { x: '1', y: '2' }), 'pulled');
    takings.note('s1', entry('a', { y: '2', x: '1' }), 'pulled');
    takings.note('s1', entry('a'), 'pulled');
    takings.note('s1', entry('a'), 'pushed');
    takings.note('s2', entry('a'), 'pulled');
    await takings.close();
    expect(written.map(({ session, name, how }) => [session, name.qualifiers, how])).toEqual([['s1', { x: '1', y: '2' }, 'pulled'], ['s1', {}, 'pulled'], ['s1', {}, 'pushed'], ['s2', {}, 'pulled']]);
  });

  it('waits while the database is away, and is written when it is back', async () => {
    const written: string[] = [];
    let away = true;
    const record = async ({ name }: Taking): Promise<void> => {
      if (away) throw new Error('away');
      written.push(name.key);
    };
    const takings = createSessionTakings({ record, onLost: fail, every: 60_000 });
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) takings.note('s', entry(key), 'pulled');
    await takings.flush();
    away = false;
    await takings.flush();
    expect(written.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await takings.close();
  });

  it('is lost and told when too much waits, when it cannot be written for long, and when the service stops', async () => {
    const lost: number[] = [];
    const takings = createSessionTakings({ record: () => Promise.reject(new Error('away')), onLost: (count) => void lost.push(count), every: 60_000, limit: 2 });
    for (const key of ['a', 'b', 'c']) takings.note('s', entry(key), 'pulled');
    expect(lost).toEqual([1]);
    for (let round = 0; round < 10; round += 1) await takings.flush();
    expect(lost).toEqual([1, 2]);
    takings.note('s', entry('a'), 'pulled');
    await takings.close();
    expect(lost).toEqual([1, 2, 1]);
  });
});

function fail(count: number): void {
  throw new Error(`${count} takings were lost`);
}
