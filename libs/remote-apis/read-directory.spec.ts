import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { isMillraceError } from '../errors/millrace-error.js';
import { Directory, Tree } from './generated/build/bazel/remote/execution/v2/remote_execution.js';
import { directoryNodes, readDirectory } from './read-directory.js';
import { readTree } from './read-tree.js';

const digestOf = (text: string): { hash: string; sizeBytes: number } => ({ hash: createHash('sha256').update(text).digest('hex'), sizeBytes: text.length });
const file = (name: string, text: string): Directory['files'][number] => ({ name, digest: digestOf(text), isExecutable: true, nodeProperties: { properties: [{ name: 'a', value: 'b' }], mtime: { seconds: 1, nanos: 2 }, unixMode: 0o755 } });
const written = (directory: Partial<Directory>): Buffer => Buffer.from(Directory.encode({ files: [], directories: [], symlinks: [], nodeProperties: undefined, ...directory }).finish());
const reference = (text: string, shape: string): object => ({ digest: { function: 'sha256', hash: digestOf(text).hash, size: text.length }, shape });

describe('a directory', () => {
  it('names its files and directories, each once, and not what is empty', () => {
    const bytes = written({ files: [file('a', 'one'), file('b', 'one'), file('empty', '')], directories: [{ name: 'd', digest: digestOf('two') }], symlinks: [{ name: 's', target: 't', nodeProperties: undefined }] });
    expect(readDirectory(bytes, 'sha256')).toEqual([reference('one', 'plain'), reference('two', 'directory')]);
    expect(readDirectory(Buffer.alloc(0), 'sha256')).toEqual([]);
  });

  it.each([
    ['text', Buffer.from('this is no directory')],
    ['a message that breaks off', written({ files: [file('a', 'one')] }).subarray(0, -3)],
    ['a file without a digest', written({ files: [{ ...file('a', 'one'), digest: undefined }] })],
    ['a hash of other letters', written({ files: [{ ...file('a', 'one'), digest: { hash: 'G'.repeat(64), sizeBytes: 1 } }] })],
    ['a size below zero', written({ directories: [{ name: 'x', digest: { hash: 'a'.repeat(64), sizeBytes: -1 } }] })],
    ['a group', Buffer.from([0x0b, 0x0b, 0x0b])],
    ['a field of number zero', Buffer.from([0x02, 0x00])],
    ['a number without end', Buffer.alloc(20, 0xff)],
  ])('is not: %s', (_, bytes) => {
    expect(() => readDirectory(bytes, 'sha256')).toThrow(expect.objectContaining({ code: 'source-invalid' }));
  });

  it('of more names than anybody has is too large, and costs no memory', () => {
    // Two bytes each: a symbolic link without a name.
    const bytes = Buffer.alloc(2 * directoryNodes + 2);
    for (let at = 0; at < bytes.length; at += 2) bytes[at] = 0x1a;
    expect(() => readDirectory(bytes, 'sha256')).toThrow(expect.objectContaining({ code: 'payload-too-large' }));
  });

  it('is read without surprises, whatever the bytes are', () => {
    const good = written({ files: [file('a', 'one')], directories: [{ name: 'd', digest: digestOf('two') }] });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => Buffer.from(good.map((old, index) => (index === at ? byte : old))))), (bytes) => {
        try {
          for (const { digest } of readDirectory(Buffer.from(bytes), 'sha256')) expect(digest.hash).toMatch(/^[0-9a-f]{64}$/);
        } catch (error) {
          expect(isMillraceError(error)).toBe(true);
        }
      }),
    );
  });
});

describe('a tree', () => {
  it('names the files of all its directories, which lie inside it', () => {
    const root = Directory.decode(written({ files: [file('a', 'one')], directories: [{ name: 'd', digest: digestOf('child') }] }));
    const child = Directory.decode(written({ files: [file('b', 'two'), file('c', 'one')] }));
    const bytes = Buffer.from(Tree.encode({ root, children: [child] }).finish());
    expect(readTree(bytes, 'sha256')).toEqual([reference('one', 'plain'), reference('two', 'plain')]);
  });
});
