import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maximumTargetLength, normaliseUrl, parseAbsoluteTarget, parseAuthority, parseHostField, parseOriginTarget, type RequestTarget } from './request-target.js';

function target(raw: string): RequestTarget {
  const result = parseAbsoluteTarget(raw);
  if (!result.ok) throw new Error(`${raw}: ${result.reason}`);
  return result.target;
}

describe('parseAuthority', () => {
  it.each([
    ['Example.ORG:443', { host: 'example.org', kind: 'name', port: 443 }],
    ['example.org.:8443', { host: 'example.org', kind: 'name', port: 8443 }],
    ['192.0.2.1:1', { host: '192.0.2.1', kind: 'ipv4', port: 1 }],
    ['[2001:DB8:0:0::1]:65535', { host: '2001:db8::1', kind: 'ipv6', port: 65535 }],
    ['[::ffff:127.0.0.1]:80', { host: '::ffff:7f00:1', kind: 'ipv6', port: 80 }],
    ['xn--bcher-kva.example:443', { host: 'xn--bcher-kva.example', kind: 'name', port: 443 }],
    ['my_host:443', { host: 'my_host', kind: 'name', port: 443 }],
  ])('reads %s', (raw, authority) => {
    expect(parseAuthority(raw)).toEqual({ ok: true, authority });
  });

  it.each([
    '', ':443', 'host', 'host:', 'host:0', 'host:65536', 'host:0443', 'host:+1', 'host: 1', 'host:1 ', 'host:443:443', 'user@host:443', 'user:pw@host:443',
    '[::1%25lo]:443', '[::1%lo]:443', '[::1:443', '::1:443', '[]:443', '[127.0.0.1]:443', '[::1]x:443', '[[::1]]:443',
    '0x7f.1:80', '0x7f000001:80', '2130706433:80', '0177.0.0.1:80', '127.1:80', '127.0.0.1.1:80', '256.0.0.1:80', '1.2.3.0x4:80', '0x:80',
    '.host:443', 'a..b:443', 'host..:443', '.:443', '-a:443', 'a-:443', 'ho st:443', 'ho%73t:443', 'höst:443', 'host/:443', 'ho\\st:443', 'host\0:443', 'host\r\n:443', 'host#:443', 'host?:443',
    `${'a'.repeat(64)}.org:443`, `${'a.'.repeat(127)}aa:443`, `${'a'.repeat(5000)}:443`,
  ])('refuses %j', (raw) => {
    expect(parseAuthority(raw)).toMatchObject({ ok: false, status: 400, reason: expect.stringMatching(/./) });
  });
});

describe('parseHostField', () => {
  it('takes the port of the scheme when there is none', () => {
    expect(parseHostField('example.org', 'https')).toEqual({ ok: true, authority: { host: 'example.org', kind: 'name', port: 443 } });
    expect(parseHostField('[::1]', 'http')).toEqual({ ok: true, authority: { host: '::1', kind: 'ipv6', port: 80 } });
    expect(parseHostField('example.org:', 'http')).toMatchObject({ ok: false });
  });
});

describe('parseAbsoluteTarget', () => {
  it.each([
    ['http://example.org', 'http://example.org/'],
    ['HTTP://EXAMPLE.org:80/A%2fb', 'http://example.org/A%2fb'],
    ['http://example.org:8080/a?b=c?d', 'http://example.org:8080/a?b=c?d'],
    ['https://example.org/a', 'https://example.org:443/a'],
    ['https://example.org?x', 'https://example.org:443/?x'],
    ['https://[::1]:8443/../a//b/?', 'https://[::1]:8443/../a//b/?'],
    ['http://example.org./', 'http://example.org/'],
    ['http://example.org:443/', 'http://example.org:443/'],
    ['https://example.org:80/', 'https://example.org:80/'],
  ])('reads %s', (raw, url) => {
    expect(normaliseUrl(target(raw))).toBe(url);
  });

  it('gives path and query as sent', () => {
    expect(target('http://h/%61/b?c=%20&d')).toEqual({ scheme: 'http', host: 'h', kind: 'name', port: 80, path: '/%61/b', query: 'c=%20&d', originForm: '/%61/b?c=%20&d' });
  });

  it.each([
    '/path', 'ftp://h/', 'http:/h/', 'http:h', '//h/', 'http:///x', 'http://:80/', 'http://@h/', 'http://user:password@h/', 'http://h@evil/', 'http://h\\@evil/', 'http://h#f', 'http://h/a#f',
    'http://h/a b', 'http://h/a\tb', 'http://h/ä', 'http://h/\x7f', 'http://h\r\nHost: evil/', 'http://0x7f.1/', 'http://2130706433/', 'http://017700000001/', 'http://[fe80::1%25eth0]/', 'http://h:99999/', '*', '',
  ])('refuses %j', (raw) => {
    expect(parseAbsoluteTarget(raw)).toMatchObject({ ok: false, status: 400 });
  });

  it('refuses user information without repeating it', () => {
    expect(JSON.stringify(parseAbsoluteTarget('http://alice:hunter2@example.org/'))).not.toMatch(/alice|hunter2/);
  });

  it('answers 414 for a target that is too long', () => {
    expect(parseAbsoluteTarget(`http://h/${'a'.repeat(maximumTargetLength)}`)).toMatchObject({ ok: false, status: 414 });
    expect(parseOriginTarget(`/${'a'.repeat(maximumTargetLength)}`, 'https', { host: 'h', kind: 'name', port: 443 })).toMatchObject({ ok: false, status: 414 });
  });

  it('never names another host than a WHATWG URL parser does', () => {
    const hostlike = fc.string({ unit: fc.constantFrom(...'aZ09.-_:[]%@\\/?#x7fF \t'.split('')), maxLength: 24 });
    fc.assert(
      fc.property(fc.constantFrom('http://', 'https://', 'HTTP://'), hostlike, fc.string({ maxLength: 12 }), (scheme, host, rest) => {
        const raw = `${scheme}${host}${rest}`;
        const result = parseAbsoluteTarget(raw);
        if (!result.ok) return;
        const url = new URL(raw);
        expect(url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')).toBe(result.target.host);
        expect(url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port)).toBe(result.target.port);
        expect([url.username, url.password, url.hash]).toEqual(['', '', '']);
      }),
      { numRuns: 5000 },
    );
  });

  it('does not throw on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const raw of [text, `http://${text}`, `https://h${text}`]) expect(typeof parseAbsoluteTarget(raw).ok).toBe('boolean');
      expect(typeof parseAuthority(text).ok).toBe('boolean');
    }), { numRuns: 2000 });
  });

  it('is idempotent on what it normalised', () => {
    fc.assert(fc.property(fc.domain(), fc.integer({ min: 1, max: 65535 }), fc.webPath(), (host, port, path) => {
      const once = normaliseUrl(target(`https://${host}:${port}${path}`));
      expect(normaliseUrl(target(once))).toBe(once);
    }));
  });
});

describe('parseOriginTarget', () => {
  const authority = { host: 'example.org', kind: 'name', port: 443 } as const;
  it('keeps a path of two slashes a path', () => {
    const result = parseOriginTarget('//evil.example/x', 'https', authority);
    expect(result.ok && normaliseUrl(result.target)).toBe('https://example.org:443//evil.example/x');
  });
  it.each(['', '*', 'a', 'http://example.org/', '/a#b', '/a b', '/\n'])('refuses %j', (raw) => {
    expect(parseOriginTarget(raw, 'https', authority)).toMatchObject({ ok: false, status: 400 });
  });
});
