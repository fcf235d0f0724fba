import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalFieldName, redactHeaders } from './redact-headers.js';
import { redactUrl } from './redact-url.js';

describe('redactUrl', () => {
  it.each([
    ['https://user:pw@host:443/a', 'https://redacted@host:443/a'],
    ['//user@host/a', '//redacted@host/a'],
    ['https://a@b@host/', 'https://redacted@host/'],
    ['https://host/a@b?c=d@e', 'https://host/a@b?c=d@e'],
    ['https://h/?X-Amz-Algorithm=AWS4&X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=0123', 'https://h/?X-Amz-Algorithm=AWS4&X-Amz-Credential=redacted&X-Amz-Signature=redacted'],
    ['https://h/b?sv=2020&sig=a%3D&se=1', 'https://h/b?sv=2020&sig=redacted&se=1'],
    ['/login?access_token=x#id_token=y', '/login?access_token=redacted#id_token=redacted'],
    ['https://h/?%74oken=x&TOKEN=y&api-key=z&apikey=k;password=p', 'https://h/?%74oken=redacted&TOKEN=redacted&api-key=redacted&apikey=redacted;password=redacted'],
    ['https://h/?client_secret=s&x_token=&q=token&keyword=1&tokens', 'https://h/?client_secret=redacted&x_token=&q=token&keyword=1&tokens'],
    ['https://h/?a=1?token=x', 'https://h/?a=1?token=redacted'],
    ['https://h/simple/pkg/?page=2&per_page=10', 'https://h/simple/pkg/?page=2&per_page=10'],
  ])('%s', (url, expected) => expect(redactUrl(url)).toBe(expected));

  it('never lets a token value through, keeps other URLs as they are, and is idempotent', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(fc.property(word, fc.array(fc.tuple(word, word)), fc.constantFrom('token', 'X-Amz-Signature', 'sig', 'access_token', 'PRIVATE_TOKEN'), (host, pairs, name) => {
      const query = [...pairs.map(([key, value]) => `p-${key}=${value}`), `${name}=HUNTER2SECRET`].join('&');
      const result = redactUrl(`https://${host}:443/path?${query}`);
      expect(result).not.toContain('HUNTER2SECRET');
      expect(redactUrl(result)).toBe(result);
    }));
    fc.assert(fc.property(fc.webPath(), (path) => expect(redactUrl(`https://h:443${path}`)).toBe(`https://h:443${path}`)));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(typeof redactUrl(text)).toBe('string')));
  });

  it('is quick on hostile text', () => {
    const started = performance.now();
    for (const text of ['token'.repeat(4000), 'api_'.repeat(4000), '@'.repeat(16_000), '&'.repeat(16_000), '%2'.repeat(8000)]) redactUrl(`https://h/?${text}=x&${text}`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('redactHeaders', () => {
  it('keeps names canonical and values in order', () => {
    expect(redactHeaders(['content-TYPE', 'text/html', 'x-a', '1', 'X-A', '2', 'ETag', '"x"'])).toEqual({ 'Content-Type': ['text/html'], 'X-A': ['1', '2'], Etag: ['"x"'] });
    expect(canonicalFieldName('www-authenticate')).toBe('Www-Authenticate');
  });

  it.each([
    'Authorization', 'proxy-authorization', 'Cookie', 'Set-Cookie', 'Set-Cookie2', 'X-Auth-Token', 'X-Subject-Token', 'X-Api-Key', 'apikey', 'api-key', 'Private-Token', 'JOB-TOKEN', 'X-Amz-Security-Token',
    'X-Vault-Token', 'X-Goog-Api-Key', 'Snap-Device-Authorization', 'npm-otp', 'X-Csrf-Token', 'Authentication-Info', 'Ocp-Apim-Subscription-Key', 'X-Client-Secret', 'x-password', 'X-Amz-Signature', 'Macaroons', 'DPoP', 'X-JFrog-Art-Api', 'X-Refreshtoken',
  ])('redacts %s', (name) => {
    expect(Object.values(redactHeaders([name, 'hunter2']))).toEqual([['[redacted]']]);
  });

  it.each(['Content-Type', 'User-Agent', 'Www-Authenticate', 'Proxy-Authenticate', 'Etag', 'Accept', 'X-Request-Id', 'Access-Control-Allow-Credentials', 'Git-Protocol', 'Content-Security-Policy', 'X-Pypi-Last-Serial'])('keeps %s', (name) => {
    expect(redactHeaders([name, 'value'])).toEqual({ [name]: ['value'] });
  });

  it('redacts credentials in the URLs of Location, Referer and Link', () => {
    expect(redactHeaders(['Location', 'https://u:p@h/?X-Amz-Signature=1&a=b', 'Referer', '/x?token=1', 'Link', '<https://h/?page=2&access_token=abc>; rel="next"'])).toEqual({
      Location: ['https://redacted@h/?X-Amz-Signature=redacted&a=b'],
      Referer: ['/x?token=redacted'],
      Link: [expect.not.stringContaining('abc')],
    });
  });

  it('bounds what a hostile peer can put into the record', () => {
    const many = redactHeaders(Array.from({ length: 20_000 }, (_, index) => (index % 2 === 0 ? `x-${index}` : 'v')));
    expect(Object.keys(many)).toHaveLength(257);
    const large = redactHeaders(Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? 'x-a' : 'v'.repeat(100_000))));
    expect(JSON.stringify(large).length).toBeLessThan(80_000);
    expect(large['Millrace-Truncated']).toBeDefined();
    const proto = redactHeaders(['__proto__', 'x', 'constructor', 'y', 'odd']);
    expect(Object.getPrototypeOf(proto)).toBe(Object.prototype);
    expect(Object.keys(proto)).toEqual(['__proto__', 'Constructor']);
  });
});
