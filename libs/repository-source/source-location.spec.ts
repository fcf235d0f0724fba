import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { locationText, parseLocation, parseRepository, resolveHref } from './source-location.js';

const text = (href: string, base?: string, repository = 'https://mirror.test/f/os/'): string => locationText(resolveHref(parseRepository(repository), href, base));

describe('addresses of sources', () => {
  it.each([
    ['https://mirror.test/os//', 'https://mirror.test/os'],
    ['http://[::1]:8080/os', 'http://[::1]:8080/os'],
    ['HTTP://0x7f.1/os', 'http://127.0.0.1/os'],
    ['/srv/repositories/os/', '/srv/repositories/os'],
    ['file:///srv/repositories/a%20b', '/srv/repositories/a b'],
    ['file://localhost/srv', '/srv'],
  ])('reads %s', (given, expected) => expect(locationText(parseRepository(given))).toBe(expected));

  it.each([
    'ftp://mirror.test/', 'mirror.test/os', '', 'javascript:alert(1)', 'http:mirror.test', 'data:text/xml,x', 'file://elsewhere/srv', 'file:///srv/%00', 'file:///srv/%2e%2e%2f..', '/srv/../etc', '/srv/./x', '/srv/\0', 'http://mirror.test/\\x', 'file:///%zz',
    `http://mirror.test/${'x'.repeat(9000)}`, `http://mirror.test/${'ä'.repeat(3000)}`, 'http://mirror.test/os?arch=x86_64', 'http://', 'http://[::1',
  ])('refuses %j', (given) => expect(() => parseRepository(given)).toThrow(expect.objectContaining({ code: 'source-invalid' })));

  it('refuses credentials without repeating them', () => {
    for (const given of ['https://ada:s3cret@mirror.test/os', 'https://s3cret@mirror.test/os', 'https://:s3cret@mirror.test/os']) {
      expect(() => parseLocation(given)).toThrow(expect.objectContaining({ code: 'source-invalid', message: expect.not.stringContaining('s3cret'), suggestion: expect.stringContaining('without user and password') }));
    }
  });
});

describe('hrefs in metadata', () => {
  it.each([
    ['Packages/b/bash-5.2~rc1-1^git.x86_64.rpm', 'https://mirror.test/f/os/Packages/b/bash-5.2~rc1-1%5Egit.x86_64.rpm'],
    ['./a.rpm', 'https://mirror.test/f/os/a.rpm'],
    ['libstdc++-13.rpm', 'https://mirror.test/f/os/libstdc%2B%2B-13.rpm'],
    ['libstdc%2B%2B-13.rpm', 'https://mirror.test/f/os/libstdc%2B%2B-13.rpm'],
    ['ä b.rpm', 'https://mirror.test/f/os/%C3%A4%20b.rpm'],
  ])('lead from %s below the repository', (href, expected) => expect(text(href)).toBe(expected));

  it.each([
    '', '.', '..', '../a', 'a/../../b', 'a/..', '/etc/passwd', '//evil.test/a', 'a//b', '%2e%2e/a', 'a/%2E%2e/b', '.%2e/a', 'a%2f..%2fb', '..%5ca', '..\\a', 'a\\b', 'a\0b', 'a%00b', 'a%0ab', 'a\nb', '%zz', 'http://evil.test/a', 'file:///etc/passwd', 'x:y', 'a?b', 'a#b',
    'a'.repeat(256), `${'a/'.repeat(2100)}a`,
  ])('refuse %j', (href) => {
    expect(() => text(href)).toThrow(expect.objectContaining({ code: 'source-invalid' }));
    expect(() => text(href, undefined, '/srv/os')).toThrow(expect.objectContaining({ code: 'source-invalid' }));
  });

  it('never lead out of the repository, whatever they are', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '/', '\\', '%2e', '%2f', '%5c', '%00', '%252e', '#', '?', ':', '//', '%', 'a', ' '), fc.string({ maxLength: 4 }), fc.string({ unit: 'binary', maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')), (href) => {
        for (const repository of ['https://mirror.test/f/os', '/srv/f/os']) {
          let found: string;
          try {
            found = text(href, undefined, repository);
          } catch (error) {
            expect(isMillraceError(error) && error.code).toBe('source-invalid');
            continue;
          }
          expect(found.startsWith(`${repository}/`)).toBe(true);
          const below = repository.startsWith('/') ? path.resolve(found) : new URL(found).href;
          expect(below).toBe(found);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('follow xml:base to other places that the repository may name', () => {
    expect(text('a.rpm', 'https://cdn.test/pool/')).toBe('https://cdn.test/pool/a.rpm');
    expect(text('a.rpm', 'http://cdn.test/pool', 'http://mirror.test/')).toBe('http://cdn.test/pool/a.rpm');
    expect(text('a.rpm', 'file:///srv/pool', '/srv/os')).toBe('/srv/pool/a.rpm');
    expect(text('a.rpm', 'https://cdn.test/pool', '/srv/os')).toBe('https://cdn.test/pool/a.rpm');
  });

  it.each(['http://cdn.test/pool', 'file:///etc', '/etc', '../pool', 'pool', 'media://1', 'https://a:b@cdn.test/', 'https://cdn.test/?x'])('refuse the xml:base %s of a repository at https', (base) => {
    expect(() => text('a.rpm', base)).toThrow(expect.objectContaining({ code: 'source-invalid' }));
  });
});
