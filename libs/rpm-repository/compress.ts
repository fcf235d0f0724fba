import { constants, gzip, zstdCompress, type InputType } from 'node:zlib';

export type Compression = 'gzip' | 'zstd';

/** How file names end. */
export const compressionEnding: Readonly<Record<Compression, string>> = { gzip: '.gz', zstd: '.zst' };

const zstdLevel = 9;

/** A gzip member or a zstd frame: several in a row are a valid file. In a thread of the system's pool; the same bytes for the same input. */
export function compress(text: InputType, compression: Compression): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, packed: Buffer): void => (error === null ? resolve(packed) : reject(error));
    if (compression === 'gzip') gzip(text, { level: 6 }, done);
    else zstdCompress(text, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } }, done);
  });
}
