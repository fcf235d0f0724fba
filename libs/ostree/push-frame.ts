import { readVariant } from './gvariant/read-variant.js';
import { writeVariant } from './gvariant/write-variant.js';
import type { TypedValue, VariantValue } from './gvariant/variant.js';
import { invalidOstree } from './invalid-ostree.js';

/** What BuildStream 1.0 and its receiver say to each other over ssh; `docs/reference/ostree.md` has the dialogue. */
export const pushCommands = ['info', 'update', 'putobjects', 'status', 'done'] as const;
export type PushCommand = (typeof pushCommands)[number];

export interface PushFrame {
  readonly command: PushCommand;
  readonly values: Readonly<Record<string, TypedValue>>;
}

export const frameHeaderSize = 5;
const version = 1;
const dictionary = 'a{sv}';

export interface FrameHeader {
  readonly command: PushCommand;
  readonly byteOrder: 'little' | 'big';
  /** Bytes of the dictionary that follows. */
  readonly size: number;
}

/** Of the five bytes that each frame begins with. Errors: `source-invalid`. */
export function readFrameHeader(bytes: Buffer): FrameHeader {
  const order = String.fromCharCode(bytes.readUInt8(0));
  if (order !== 'l' && order !== 'B') throw invalidOstree('a message that begins with no byte order');
  if (bytes.readUInt8(1) !== version) throw invalidOstree(`a message of version ${bytes.readUInt8(1)} of the protocol, which is not ${version}`);
  const command = pushCommands[bytes.readUInt8(2)];
  if (command === undefined) throw invalidOstree(`a message with the unknown command ${bytes.readUInt8(2)}`);
  return { command, byteOrder: order === 'l' ? 'little' : 'big', size: order === 'l' ? bytes.readUInt16LE(3) : bytes.readUInt16BE(3) };
}

/** Errors: `source-invalid`, also for a key twice. */
export function readFrame({ command, byteOrder }: FrameHeader, body: Buffer): PushFrame {
  const entries = readVariant(dictionary, body, { byteOrder }) as [string, TypedValue][];
  const values = Object.fromEntries(entries);
  if (Object.keys(values).length !== entries.length) throw invalidOstree('a message with a key twice');
  return { command, values };
}

/** Errors: `source-invalid` for more than a frame holds. */
export function writeFrame({ command, values }: PushFrame): Buffer {
  const body = writeVariant(dictionary, Object.entries(values).map(([key, value]): VariantValue => [key, value]));
  if (body.length > 0xffff) throw invalidOstree(`a message of ${body.length} bytes`);
  const header = Buffer.from(['l'.charCodeAt(0), version, pushCommands.indexOf(command), 0, 0]);
  header.writeUInt16LE(body.length, 3);
  return Buffer.concat([header, body]);
}
