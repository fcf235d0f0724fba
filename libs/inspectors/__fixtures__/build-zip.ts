import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFileToBuild {
  readonly name: string;
  readonly content?: string | Buffer;
  /** Name in the local header, when it shall differ. */
  readonly localName?: string;
  /** Unix mode with file type, such as 0o120777 for a link. */
  readonly mode?: number;
  readonly flags?: number;
  /** An unpacked size that is not the content's. */
  readonly size?: number;
  /** Of deflate; 0 leaves the bytes as they are. */
  readonly level?: number;
}

/** A zip archive byte by byte, hostile ones included. */
export function buildZip(files: readonly ZipFileToBuild[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const content = Buffer.from(file.content ?? '');
    const packed = deflateRawSync(content, file.level === undefined ? {} : { level: file.level });
    const localName = Buffer.from(file.localName ?? file.name);
    const name = Buffer.from(file.name);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(file.flags ?? 0x800, 2);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(file.size ?? content.length, 18);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), shared, localName, packed]);
    local.writeUInt16LE(localName.length, 26);
    const head = Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), shared, Buffer.alloc(14), name]);
    head.writeUInt16LE(name.length, 28);
    head.writeUInt32LE(((file.mode ?? 0o100644) << 16) >>> 0, 38);
    head.writeUInt32LE(offset, 42);
    locals.push(local);
    central.push(head);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
