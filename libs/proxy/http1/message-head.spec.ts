import { describe, expect, it } from '@jest/globals';
import { isPersistent, parseRequestHead, parseResponseHead, requestFraming, responseFraming } from './message-head.js';

const request = (lines: readonly string[]) => parseRequestHead(lines.join('\r\n'));
const withField = (...fields: string[]) => request(['GET http://h/ HTTP/1.1', 'Host: h', ...fields]);

describe('a request head', () => {
  it('is read with its framing and connection facts', () => {
    const head = request(['POST /a?b HTTP/1.1', 'Host: h', 'Content-Length: 12', 'Connection: Keep-Alive, X-Foo', 'Upgrade: WebSocket', 'Expect: 100-continue']);
    expect(head).toMatchObject({ method: 'POST', target: '/a?b', minor: 1, host: 'h', contentLength: 12, chunked: false, connection: ['keep-alive', 'x-foo'], upgrade: 'websocket', expectContinue: true });
    expect(requestFraming(head)).toEqual({ kind: 'length', length: 12 });
  });

  it.each([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['the same length twice', ['Content-Length: 5', 'Content-Length: 5']],
    ['a list of lengths', ['Content-Length: 5, 5']],
    ['a signed length', ['Content-Length: +5']],
    ['a hexadecimal length', ['Content-Length: 0x5']],
    ['an absurd length', ['Content-Length: 99999999999999999999']],
    ['length and chunked', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['chunked and length', ['Transfer-Encoding: chunked', 'Content-Length: 5']],
    ['two transfer codings', ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
    ['a space before the colon', ['Content-Length : 5']],
    ['a folded line', ['X-A: 1', ' folded']],
    ['a tab-folded line', ['X-A: 1', '\tTransfer-Encoding: chunked']],
    ['a bare line feed', ['X-A: 1\nTransfer-Encoding: chunked']],
    ['a bare carriage return', ['X-A: 1\rTransfer-Encoding: chunked']],
    ['a NUL', ['X-A: 1\0']],
    ['no colon', ['X-A']],
    ['an empty name', [': 5']],
    ['a second Host', ['Host: other']],
  ])('with %s is refused with 400', (_name, fields) => {
    expect(() => withField(...fields)).toThrow(expect.objectContaining({ name: 'MalformedMessage', status: 400 }));
  });

  it.each(['gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', 'chunked;q=1', '"chunked"'])('with the transfer coding %s is refused with 501', (coding) => {
    expect(() => withField(`Transfer-Encoding: ${coding}`)).toThrow(expect.objectContaining({ status: 501 }));
  });

  it.each([
    ['GET  / HTTP/1.1', 400],
    ['GET /\tHTTP/1.1', 400],
    ['GET / HTTP/2.0', 505],
    ['GET / HTTP/1.10', 400],
    ['GET / http/1.1', 400],
    ['/ HTTP/1.1', 400],
    ['G@T / HTTP/1.1', 400],
    [`GET /${'a'.repeat(17_000)} HTTP/1.1`, 414],
  ])('with the line %j is refused', (line, status) => {
    expect(() => request([line, 'Host: h'])).toThrow(expect.objectContaining({ status }));
  });

  it('without Host is refused in 1.1 and read in 1.0', () => {
    expect(() => request(['GET http://h/ HTTP/1.1'])).toThrow('missing Host');
    expect(isPersistent(request(['GET http://h/ HTTP/1.0']))).toBe(false);
    expect(isPersistent(request(['GET http://h/ HTTP/1.0', 'Connection: keep-alive']))).toBe(true);
  });

  it('with Transfer-Encoding in 1.0 is refused', () => {
    expect(() => request(['POST http://h/ HTTP/1.0', 'Transfer-Encoding: chunked'])).toThrow('HTTP/1.0');
  });

  it('with too many fields is refused with 431', () => {
    expect(() => withField(...Array.from({ length: 300 }, (_, index) => `X-${index}: 1`))).toThrow(expect.objectContaining({ status: 431 }));
  });
});

describe('a response head', () => {
  const response = (...lines: string[]) => parseResponseHead(lines.join('\r\n'));

  it('tells how its body is delimited', () => {
    expect(responseFraming(response('HTTP/1.1 200 OK', 'Content-Length: 3'), 'GET')).toEqual({ kind: 'length', length: 3 });
    expect(responseFraming(response('HTTP/1.1 200 OK', 'Content-Length: 3'), 'HEAD')).toEqual({ kind: 'none' });
    expect(responseFraming(response('HTTP/1.1 304 Not Modified', 'Content-Length: 3'), 'GET')).toEqual({ kind: 'none' });
    expect(responseFraming(response('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked'), 'GET')).toEqual({ kind: 'chunked' });
    expect(responseFraming(response('HTTP/1.0 200 OK'), 'GET')).toEqual({ kind: 'close' });
  });

  it('may repeat the same length, but not another', () => {
    expect(response('HTTP/1.1 200', 'Content-Length: 3', 'Content-Length: 3').contentLength).toBe(3);
    expect(() => response('HTTP/1.1 200', 'Content-Length: 3', 'Content-Length: 4')).toThrow('Content-Length');
  });

  it.each(['HTTP/1.1 20 OK', 'HTTP/1.1 099 OK', 'HTTP/1.1 200\tOK', 'ICY 200 OK', 'HTTP/2 200 OK', 'HTTP/1.1  200 OK'])('with the line %j is refused', (line) => {
    expect(() => response(line)).toThrow(expect.objectContaining({ name: 'MalformedMessage' }));
  });

  it('with both framings is refused, whatever came first', () => {
    expect(() => response('HTTP/1.1 200 OK', 'Content-Length: 3', 'Transfer-Encoding: chunked')).toThrow('both');
  });
});
