import type { Compression } from '../../inspectors/archives/decompress.js';

const compressions: Readonly<Record<string, Compression>> = { gz: 'gzip', xz: 'xz', zst: 'zstd', bz2: 'bzip2', lzma: 'lzma' };

/** What the end of a file name stands for: `control.tar.xz`, `Packages.gz`; `none` for any other. */
export function compressionOfName(name: string): Compression {
  return compressions[name.slice(name.lastIndexOf('.') + 1)] ?? 'none';
}
