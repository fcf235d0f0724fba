import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { isEmptyBlob, type CacheDigest, type DigestFunction } from '../cache/cache-digest.js';
import type { BlobReference } from '../cache/cache-entry.js';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { checkDigest } from './checked-input.js';

/** Of `Directory`, `FileNode`, `DirectoryNode`, `Tree` and `Digest` of the Remote Execution API: all that it takes to know what a directory needs. */
const field = { directoryFiles: 1, directoryDirectories: 2, nodeDigest: 2, treeRoot: 1, treeChildren: 2, digestHash: 1, digestSize: 2 };

/** Names that one directory or tree may have. */
const mostNodes = 500_000;

/** What a `Directory` names, each once, in its order; only the digests are read. Errors: `source-invalid`. */
export function directoryChildren(digestFunction: DigestFunction, bytes: Buffer): readonly BlobReference[] {
  return read('a directory', () => {
    const children = childrenOf(digestFunction);
    readDirectory(new BinaryReader(bytes), bytes.length, (digest, shape) => children.add(digest, shape));
    return children.list();
  });
}

/** The files that a `Tree` names: its directories are in itself. Errors: `source-invalid`. */
export function treeChildren(digestFunction: DigestFunction, bytes: Buffer): readonly BlobReference[] {
  return read('a tree', () => {
    const children = childrenOf(digestFunction);
    const reader = new BinaryReader(bytes);
    eachField(reader, bytes.length, (number) => {
      if (number !== field.treeRoot && number !== field.treeChildren) return false;
      readDirectory(reader, lengthOf(reader), (digest, shape) => {
        if (shape === 'plain') children.add(digest, shape);
      });
      return true;
    });
    return children.list();
  });
}

interface ReadDigest {
  readonly hash: string;
  readonly size: number;
}

type Node = (digest: ReadDigest, shape: 'plain' | 'directory') => void;

function childrenOf(digestFunction: DigestFunction): { add: Node; list(): readonly BlobReference[] } {
  const children = new Map<string, BlobReference>();
  let nodes = 0;
  return {
    add({ hash, size }, shape) {
      nodes += 1;
      if (nodes > mostNodes) throw new Error(`it names more than ${mostNodes} files and directories`);
      const digest: CacheDigest = { function: digestFunction, hash, size };
      checkDigest(digest);
      if (!isEmptyBlob(digest)) children.set(`${shape} ${hash} ${size}`, { digest, shape });
    },
    list: () => [...children.values()],
  };
}

function readDirectory(reader: BinaryReader, length: number, node: Node): void {
  eachField(reader, length, (number) => {
    if (number !== field.directoryFiles && number !== field.directoryDirectories) return false;
    node(readNode(reader), number === field.directoryFiles ? 'plain' : 'directory');
    return true;
  });
}

function readNode(reader: BinaryReader): ReadDigest {
  let digest: ReadDigest = { hash: '', size: 0 };
  eachField(reader, lengthOf(reader), (number) => {
    if (number !== field.nodeDigest) return false;
    digest = readDigest(reader);
    return true;
  });
  return digest;
}

function readDigest(reader: BinaryReader): ReadDigest {
  let hash = '';
  let size = 0;
  eachField(reader, lengthOf(reader), (number, type) => {
    if (number === field.digestHash && type === WireType.LengthDelimited) hash = reader.string();
    else if (number === field.digestSize && type === WireType.Varint) size = Number(reader.int64());
    else return false;
    return true;
  });
  return { hash, size };
}

function lengthOf(reader: BinaryReader): number {
  const length = reader.uint32();
  if (length > reader.len - reader.pos) throw new Error('it is cut short');
  return length;
}

/** `take` answers whether it has read the field. */
function eachField(reader: BinaryReader, length: number, take: (number: number, type: WireType) => boolean): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const [number, type] = reader.tag();
    const isMessage = type === WireType.LengthDelimited;
    if (!((isMessage || type === WireType.Varint) && take(number, type))) reader.skip(type, number);
  }
  if (reader.pos !== end) throw new Error('its fields do not end where it does');
}

function read<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new MillraceError('source-invalid', `no bytes of ${what} of the Remote Execution API: ${errorMessage(cause)}`, { cause });
  }
}
