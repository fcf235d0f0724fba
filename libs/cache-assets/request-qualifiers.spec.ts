import { describe, expect, it } from '@jest/globals';
import { readDownloadQualifiers } from './request-qualifiers.js';

const checksum = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';

describe('readDownloadQualifiers', () => {
  it('sends fields for all URIs, or for the one at that place, which wins', () => {
    const read = readDownloadQualifiers({ 'http_header_url:1:Authorization': 'Bearer b', 'http_header:Authorization': 'Bearer a', 'http_header:X-One': '1' });
    expect(read.headersFor(0)).toEqual({ authorization: 'Bearer a', 'x-one': '1' });
    expect(read.headersFor(1)).toEqual({ authorization: 'Bearer b', 'x-one': '1' });
  });

  it('names content by what does not hold credentials', () => {
    const read = readDownloadQualifiers({ 'checksum.sri': checksum, 'bazel.canonical_id': 'x', 'http_header:Authorization': 'Bearer a' });
    expect(read.kept).toEqual({ 'checksum.sri': checksum, 'bazel.canonical_id': 'x' });
    expect(read.checksum?.algorithm).toBe('sha256');
  });

  it('tells of each qualifier that it cannot honour', () => {
    const read = (): unknown => readDownloadQualifiers({ 'vcs.branch': 'main', resource_type: 'application/x-git' });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid-request', details: [{ field: 'qualifiers.name', description: '"vcs.branch" not supported' }, { field: 'qualifiers.name', description: '"resource_type" not supported' }] }));
  });

  it.each(['http_header:', 'http_header:Host', 'http_header:Proxy-Authorization', 'http_header:Transfer-Encoding', 'http_header:a b', 'http_header_url:x:Accept', 'http_headers:Accept', 'bazel.auth_headers'])('refuses %s', (name) => {
    expect(() => readDownloadQualifiers({ [name]: 'x' })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });

  it('refuses a value that would end its line', () => {
    expect(() => readDownloadQualifiers({ 'http_header:X': 'a\r\nHost: b' })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
