import { describe, expect, it } from '@jest/globals';
import { cacheStreamId, entryStreamId, sortedPairs } from './entry-stream.js';

describe('streams of the cache', () => {
  it('are named by instance, kind and digest', () => {
    expect(entryStreamId({ instance: 'team/a', kind: 'action', nameDigest: 'ff' })).toBe('cache-entry:team/a/action/ff');
    expect(cacheStreamId('team/a')).toBe('artifact-cache:team/a');
  });

  it('have qualifiers in one order, `__proto__` among them', () => {
    expect(sortedPairs({ b: '2', a: '1' })).toBe('{"a":"1","b":"2"}');
    expect(sortedPairs(JSON.parse('{"__proto__":"x","a":"1"}') as Record<string, string>)).toBe('{"__proto__":"x","a":"1"}');
  });
});
