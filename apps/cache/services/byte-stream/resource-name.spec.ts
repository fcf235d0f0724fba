import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../../../libs/errors/millrace-error.js';
import { parseReadName, parseWriteName } from './resource-name.js';

const hash = 'ab'.repeat(32);
const digest = { function: 'sha256', hash, size: 12 };
const blake = { ...digest, function: 'blake3' };

describe('names of blobs', () => {
  it.each([
    [`blobs/${hash}/12`, { instance: '', digest, compressed: false }],
    [`main/blobs/${hash}/12`, { instance: 'main', digest, compressed: false }],
    [`a/b/c/blobs/blake3/${hash}/12`, { instance: 'a/b/c', digest: blake, compressed: false }],
    [`x/compressed-blobs/zstd/${hash}/12`, { instance: 'x', digest, compressed: true }],
    [`compressed-blobs/zstd/blake3/${hash}/12`, { instance: '', digest: blake, compressed: true }],
    [`${hash}/12`, { instance: '', digest, compressed: false }],
  ])('are read: %s', (name, resource) => {
    expect(parseReadName(name)).toEqual(resource);
  });

  it.each(['', 'blobs', `blobs/${hash}`, `blobs/${hash}/x`, `blobs/${hash}/012`, `blobs/${hash}/12/more`, `blobs/${hash.toUpperCase()}/12`, `compressed-blobs/${hash}/12`, `compressed-blobs/deflate/${hash}/12`, `blobs/md5/${hash}/12`, `blobs/${hash}/99999999999999999`, `a/${hash}/12`])('are none: "%s"', (name) => {
    expect(() => parseReadName(name)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});

describe('names of writes', () => {
  it.each([
    [`uploads/u-1/blobs/${hash}/12`, { instance: '', upload: 'u-1', digest, compressed: false }],
    [`a/b/uploads/u-1/blobs/${hash}/12/some/file`, { instance: 'a/b', upload: 'u-1', digest, compressed: false }],
    [`uploads/u-1/compressed-blobs/zstd/blake3/${hash}/12/x`, { instance: '', upload: 'u-1', digest: blake, compressed: true }],
    [`${hash}/12`, { instance: '', upload: undefined, digest, compressed: false }],
  ])('are read: %s', (name, resource) => {
    expect(parseWriteName(name)).toEqual(resource);
  });

  it.each([`blobs/${hash}/12`, `uploads/blobs/${hash}/12`, `uploads//blobs/${hash}/12`, 'uploads', `uploads/u/actions/${hash}/12`])('are none: "%s"', (name) => {
    expect(() => parseWriteName(name)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });

  it('are refused by an error of ours, whatever they are', () => {
    const part = fc.oneof(fc.constantFrom('uploads', 'blobs', 'compressed-blobs', 'zstd', 'blake3', hash, '12', ''), fc.string());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        try {
          expect(parseWriteName(parts.join('/')).digest.hash).toHaveLength(64);
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
    );
  });
});
