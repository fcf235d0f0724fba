import { gzipSync } from 'node:zlib';

export interface TarFile {
  readonly name: string;
  readonly content?: string | Buffer;
  /** `0` file, `5` directory, `2` symbolic link … */
  readonly type?: string;
  readonly link?: string;
  /** A size in the header that is not the content's. */
  readonly size?: number;
}

/** A tar archive byte by byte, hostile ones included: the libraries refuse to write those. */
export function buildTar(files: readonly TarFile[], end: Buffer = Buffer.alloc(1024)): Buffer {
  return Buffer.concat([...files.flatMap(entryBlocks), end]);
}

export function buildTgz(files: readonly TarFile[]): Buffer {
  return gzipSync(buildTar(files));
}

function entryBlocks(file: TarFile): Buffer[] {
  const content = Buffer.from(file.content ?? '');
  const header = Buffer.alloc(512);
  header.write(file.name, 0, 100, 'utf8');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${(file.size ?? content.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(file.type ?? '0', 156);
  header.write(file.link ?? '', 157, 100, 'utf8');
  header.write('ustar\u000000', 257);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

/** One pax record. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (String(length).length + Buffer.byteLength(rest) !== length) length = String(length).length + Buffer.byteLength(rest);
  return `${length}${rest}`;
}
