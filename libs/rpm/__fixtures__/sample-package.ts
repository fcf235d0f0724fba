import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const compressions = ['gzip', 'bzip2', 'xz', 'lzma', 'zstd', 'none'] as const;

/** A package that rpmbuild 4.18 made of `millrace-sample.spec`, by the compression of its payload. */
export function samplePackage(compression: (typeof compressions)[number] = 'gzip'): Buffer {
  return readFileSync(path.join(import.meta.dirname, `millrace-sample-${compression}.rpm`));
}

/** Files that createrepo_c 0.17 made for the package with gzip, by the end of their names: `repomd.xml`, `primary.xml.gz`. */
export function sampleMetadata(end: string): { readonly name: string; readonly bytes: Buffer } {
  const directory = path.join(import.meta.dirname, 'repository', 'repodata');
  const name = readdirSync(directory).find((file) => file.endsWith(end));
  if (name === undefined) throw new Error(`there is no sample that ends with ${end}`);
  return { name, bytes: readFileSync(path.join(directory, name)) };
}
