import { describe, expect, it } from '@jest/globals';
import { DigestFunction_Value } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { readFetch, readPush, writeFetch } from './asset-messages.js';

const hash = 'ab'.repeat(32);
const fetch = { instanceName: 'main', timeout: undefined, oldestContentAccepted: undefined, uris: ['urn:x'], qualifiers: [], digestFunction: DigestFunction_Value.UNKNOWN };
const push = { instanceName: 'main', uris: ['urn:x'], qualifiers: [], expireAt: undefined, referencesBlobs: [], referencesDirectories: [], digestFunction: DigestFunction_Value.UNKNOWN };
const invalid = expect.objectContaining({ code: 'invalid-request' });

describe('a request to fetch', () => {
  it('has its times in the units of the domain', () => {
    expect(readFetch('blob', { ...fetch, timeout: { seconds: 1, nanos: 500_000_000 }, oldestContentAccepted: { seconds: 1, nanos: 2_000_000 }, digestFunction: DigestFunction_Value.BLAKE3 })).toMatchObject({ timeout: 1500, oldestAccepted: '1970-01-01T00:00:01.002Z', digestFunction: 'blake3' });
  });

  it.each([
    ['a time beyond all years', { oldestContentAccepted: { seconds: 1e12, nanos: 0 } }],
    ['a timeout of no time', { timeout: { seconds: 0, nanos: 0 } }],
    ['a timeout before now', { timeout: { seconds: -1, nanos: 0 } }],
    ['a digest function that is not served', { digestFunction: DigestFunction_Value.MD5 }],
  ])('is refused for %s', (_, change) => {
    expect(() => readFetch('blob', { ...fetch, ...change })).toThrow(invalid);
  });
});

describe('a request to push', () => {
  it('has references that are looked into as what they are', () => {
    const digest = { hash, sizeBytes: 1 };
    const read = readPush('directory', { ...push, referencesBlobs: [digest], referencesDirectories: [digest], expireAt: { seconds: 0, nanos: 0 } }, digest);
    expect([read.target?.shape, read.references.map(({ shape }) => shape), read.expiresAt]).toEqual(['directory', ['plain', 'directory'], '1970-01-01T00:00:00.000Z']);
    expect(readPush('blob', push, digest).target?.shape).toBe('plain');
    expect(readPush('blob', push, undefined).target).toBeUndefined();
  });

  it.each([{ hash: 'x', sizeBytes: 1 }, { hash, sizeBytes: -1 }, { hash: '', sizeBytes: 0 }])('is refused for the digest %j, wherever it stands', (digest) => {
    expect(() => readPush('blob', push, digest)).toThrow(invalid);
    expect(() => readPush('blob', { ...push, referencesDirectories: [digest] }, { hash, sizeBytes: 1 })).toThrow(invalid);
  });
});

describe('an answer', () => {
  it.each([['not-found', 5], ['refused', 7], ['timed-out', 4], ['inconsistent', 10], ['too-large', 8], ['unavailable', 14]] as const)('says %s with the code %d inside, for it is another server that is to blame', (reason, code) => {
    expect(writeFetch({ failure: { uri: 'https://x.test', reason, message: 'why' } })).toMatchObject({ status: { code, message: 'https://x.test: why' }, uri: 'https://x.test', digest: undefined });
  });

  it('promises blobs until a time, or nothing where another server has them', () => {
    const found = { uri: 'urn:x', qualifiers: { a: '1' }, digest: { function: 'sha256', hash, size: 1 } } as const;
    expect(writeFetch({ found: { ...found, keptUntil: '1970-01-01T00:00:01.500Z' } })).toMatchObject({ status: { code: 0 }, expiresAt: { seconds: 1, nanos: 500_000_000 }, digest: { hash, sizeBytes: 1 }, qualifiers: [{ name: 'a', value: '1' }] });
    expect(writeFetch({ found: { ...found, keptUntil: undefined } }).expiresAt).toBeUndefined();
  });
});
