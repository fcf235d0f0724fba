import { describe, expect, it } from '@jest/globals';
import { parseBucketUrl } from './bucket-location.js';

describe('the URL of a bucket', () => {
  it.each([
    ['https://farm/x', 'must be an s3://'],
    ['s3:///x', 'must be an s3://'],
    ['s3://key:secret@farm', 'must not hold credentials'],
    ['s3://farm?regoin=x', 'unknown parameter regoin'],
    ['s3://farm?endpoint=ftp://x', 'no http(s) URL'],
    ['s3://farm/a%2F..%2Fb', 'with . or ..'],
  ])('%s is refused', (url, reason) => {
    expect(() => parseBucketUrl(url)).toThrow(reason);
  });

  it('has a folder for a prefix, whether or not a slash ends it', () => {
    expect(parseBucketUrl('s3://farm/a/b').prefix).toBe('a/b/');
    expect(parseBucketUrl('s3://farm/a/b//').prefix).toBe('a/b/');
    expect(parseBucketUrl('s3://farm').prefix).toBe('');
  });
});
