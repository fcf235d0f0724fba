import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ActionResult } from './generated/build/bazel/remote/execution/v2/remote_execution.js';
import { readActionResult } from './read-action-result.js';

const hash = (digit: string): string => digit.repeat(64);
const empty = { hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', sizeBytes: 0 };
const encoded = (result: Parameters<typeof ActionResult.fromPartial>[0]): Buffer => Buffer.from(ActionResult.encode(ActionResult.fromPartial(result)).finish());

describe('the result of an action', () => {
  it('names files, trees, directories and outputs, each once', () => {
    const result = encoded({
      outputFiles: [{ path: 'a', digest: { hash: hash('a'), sizeBytes: 1 } }, { path: 'b', digest: { hash: hash('a'), sizeBytes: 1 } }, { path: 'c', digest: empty }],
      outputDirectories: [{ path: 'd', treeDigest: { hash: hash('b'), sizeBytes: 2 } }, { path: 'e', rootDirectoryDigest: { hash: hash('c'), sizeBytes: 2 ** 40 } }],
      exitCode: 0,
      stdoutRaw: Buffer.from('out'),
      stdoutDigest: { hash: hash('d'), sizeBytes: 4 },
      stderrDigest: { hash: hash('e'), sizeBytes: 5 },
      executionMetadata: { worker: 'w' },
    });
    const named = readActionResult(result)?.map(({ digest, shape }) => `${shape} ${digest.hash[0]}/${digest.size}`);
    expect(named).toEqual(['plain a/1', 'tree b/2', `directory c/${2 ** 40}`, 'plain d/4', 'plain e/5']);
  });

  it('may be of nothing', () => {
    expect([readActionResult(Buffer.alloc(0)), readActionResult(encoded({ exitCode: 3 }))]).toEqual([[], []]);
  });

  it('is one also with an exit code below zero, and digests that are given empty', () => {
    const result = encoded({ outputFiles: [{ path: 'a', digest: { hash: hash('a'), sizeBytes: 1 } }], exitCode: -1, stdoutDigest: { hash: '', sizeBytes: 0 } });
    expect(readActionResult(result)?.map(({ digest }) => digest.hash[0])).toEqual(['a']);
  });

  it.each([
    ['an object of ccache', Buffer.from('cC\x00\x01 and so on')],
    ['a digest that is none', encoded({ stdoutDigest: { hash: 'nothing', sizeBytes: 1 } })],
    ['a file without a digest', encoded({ outputFiles: [{ path: 'a' }] })],
    ['a directory without a digest', encoded({ outputDirectories: [{ path: 'a' }] })],
    ['a field of another type', Buffer.from([0x22, 0x00])],
    ['what breaks off', encoded({ stdoutDigest: { hash: hash('a'), sizeBytes: 1 } }).subarray(0, 20)],
  ])('is not %s', (_name, bytes) => {
    expect(readActionResult(bytes)).toBeUndefined();
  });

  it('is not read out of bytes of any kind with an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const found = readActionResult(Buffer.from(bytes));
      return found === undefined || Array.isArray(found);
    }));
  });
});
