import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cacheAddress, cacheProtocols } from './cache-address.js';

const address = (instance: string, protocol: string, key: string): object => ({ instance, protocol, key });

describe('a path of an HTTP cache', () => {
  it.each([
    ['/cas/abc', address('main', 'cas', 'abc')],
    ['/gradle/a%20b', address('main', 'gradle', 'a b')],
    ['/ccache/ab/cdef', address('main', 'ccache', 'ab/cdef')],
    ['/sccache', address('main', 'sccache', '')],
    ['/sccache/a/', address('main', 'sccache', 'a/')],
    ['/v8/artifacts/status', address('main', 'turborepo', 'status')],
    ['/cache/one/ac/abc', address('one', 'ac', 'abc')],
    ['/cache/team/one/v8/artifacts', address('team/one', 'turborepo', '')],
    ['/cache/gradle/gradle/k', address('gradle', 'gradle', 'k')],
    ['/cache/one/ccache/cas/k', address('one', 'ccache', 'cas/k')],
  ])('%s is understood', (path, expected) => {
    expect(cacheAddress(path)).toEqual(expected);
  });

  it.each(['', '/', '/cas2/x', '/cache', '/cache/', '/cache/one', '/cache/one/two', '/cache/cas', '/v8/other/x', '/v1/caches', '/cas/%', '/cas/%ff', '/cas/a%2fb', '/cache/one/../two/cas/x', '/cache/one/%2e%2e/cas/x', '/cas/./x', 'cas/x'])('%s is none', (path) => {
    expect(cacheAddress(path)).toBeUndefined();
  });

  it('of any kind throws nothing, and never leads out of its instance', () => {
    const words = fc.array(fc.oneof(fc.constantFrom('cache', 'cas', 'ac', 'v8', 'artifacts', 'gradle', '..', '.', '', '%2e%2e', '%2f', '%00'), fc.string()), { maxLength: 8 });
    fc.assert(
      fc.property(words, (segments) => {
        const found = cacheAddress(`/${segments.join('/')}`);
        if (found === undefined) return;
        expect(cacheProtocols).toContain(found.protocol);
        expect([...found.instance.split('/'), ...found.key.split('/')]).not.toContain('..');
      }),
    );
  });
});
