import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { objectHash, type ObjectFormat, type ObjectType } from '../object-id.js';

export interface SampleObject {
  readonly type: ObjectType;
  readonly content: Buffer;
  /** In hex. */
  readonly id: string;
}

export function object(type: ObjectType, content: string | Buffer, format: ObjectFormat = 'sha1'): SampleObject {
  const bytes = Buffer.from(content);
  return { type, content: bytes, id: objectHash(type, bytes.length, format).update(bytes).digest('hex') };
}

export function tree(entries: readonly (readonly [mode: string, name: string, id: string])[], format: ObjectFormat = 'sha1'): SampleObject {
  return object('tree', Buffer.concat(entries.flatMap(([mode, name, id]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])), format);
}

export function commit(treeId: string, parents: readonly string[] = [], message = 'A commit', format: ObjectFormat = 'sha1'): SampleObject {
  const person = 'Mill <mill@x.test> 1767225600 +0000';
  const lines = [`tree ${treeId}`, ...parents.map((parent) => `parent ${parent}`), `author ${person}`, `committer ${person}`];
  return object('commit', `${lines.join('\n')}\n\n${message}\n`, format);
}

export function tag(target: SampleObject, name = 'v1.0.0'): SampleObject {
  return object('tag', `object ${target.id}\ntype ${target.type}\ntag ${name}\ntagger Mill <mill@x.test> 1767225600 +0000\n\n${name}\n`);
}

const codes: Readonly<Record<ObjectType | 'ofs' | 'ref', number>> = { commit: 1, tree: 2, blob: 3, tag: 4, ofs: 6, ref: 7 };

/** The head of an entry: type and size. */
export function entryHead(kind: keyof typeof codes | number, size: number): Buffer {
  const code = typeof kind === 'number' ? kind : codes[kind];
  const bytes: number[] = [];
  let first = (code << 4) | (size & 15);
  for (let rest = Math.floor(size / 16); ; rest = Math.floor(rest / 128)) {
    bytes.push(rest > 0 ? first | 0x80 : first);
    if (rest === 0) return Buffer.from(bytes);
    first = rest & 0x7f;
  }
}

export function entry({ type, content }: SampleObject): Buffer {
  return Buffer.concat([entryHead(type, content.length), deflateSync(content)]);
}

export function refDelta(baseId: string, delta: Buffer): Buffer {
  return Buffer.concat([entryHead('ref', delta.length), Buffer.from(baseId, 'hex'), deflateSync(delta)]);
}

/** `distance`: bytes from the base's entry to this one. */
export function ofsDelta(distance: number, delta: Buffer): Buffer {
  const bytes = [distance & 0x7f];
  for (let rest = distance >>> 7; rest > 0; rest >>>= 7) {
    rest -= 1;
    bytes.unshift(0x80 | (rest & 0x7f));
  }
  return Buffer.concat([entryHead('ofs', delta.length), Buffer.from(bytes), deflateSync(delta)]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
    if (rest < 128) return Buffer.from(bytes);
  }
}

/** All of the base (up to 64 KiB - 1), then an insertion of up to 127 bytes. */
export function appendingDelta(base: Buffer, insertion: string): Buffer {
  const added = Buffer.from(insertion);
  const copy = base.length === 0 ? [] : [0x80 | 0x10 | 0x20, base.length & 0xff, base.length >>> 8];
  return Buffer.concat([varint(base.length), varint(base.length + added.length), Buffer.from([...copy, added.length]), added]);
}

export interface PackShape {
  readonly count?: number;
  readonly version?: number;
  readonly format?: ObjectFormat;
  readonly trailer?: Buffer;
}

/** A pack of entries as they are given, with the right checksum unless told. */
export function pack(entries: readonly Buffer[], shape: PackShape = {}): Buffer {
  const head = Buffer.from('PACK\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32BE(shape.version ?? 2, 4);
  head.writeUInt32BE(shape.count ?? entries.length, 8);
  const bytes = Buffer.concat([head, ...entries]);
  return Buffer.concat([bytes, shape.trailer ?? createHash(shape.format ?? 'sha1').update(bytes).digest()]);
}

export function packetLine(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

export const flush = Buffer.from('0000');
export const delimiter = Buffer.from('0001');

/** Pieces of a pack in band 1. */
export function bands(bytes: Buffer, piece = 65_515): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += piece) packets.push(packetLine(Buffer.concat([Buffer.from([1]), bytes.subarray(at, at + piece)])));
  return packets;
}

/** The answer of version 2 to a fetch. */
export function fetchAnswer(packBytes: Buffer, options: { shallow?: readonly string[]; piece?: number; wantedRefs?: readonly string[] } = {}): Buffer {
  const { shallow = [], wantedRefs = [] } = options;
  return Buffer.concat([
    ...(shallow.length === 0 ? [] : [packetLine('shallow-info\n'), ...shallow.map((id) => packetLine(`shallow ${id}\n`)), delimiter]),
    ...(wantedRefs.length === 0 ? [] : [packetLine('wanted-refs\n'), ...wantedRefs.map((line) => packetLine(`${line}\n`)), delimiter]),
    packetLine('packfile\n'),
    packetLine('\u0002Enumerating objects\n'),
    ...bands(packBytes, options.piece),
    flush,
  ]);
}

/** The request of version 2 for a fetch; `lines` like `have <id>` besides the wants. */
export function fetchRequest(wants: readonly string[], lines: readonly string[] = [], format: ObjectFormat = 'sha1'): Buffer {
  return Buffer.concat([
    packetLine('command=fetch'),
    packetLine('agent=git/2.39.5'),
    packetLine(`object-format=${format}`),
    delimiter,
    packetLine('thin-pack'),
    packetLine('ofs-delta'),
    ...lines.map((line) => packetLine(`${line}\n`)),
    ...wants.map((id) => packetLine(`want ${id}\n`)),
    packetLine('done\n'),
    flush,
  ]);
}
