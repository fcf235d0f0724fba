import { readFilelists } from '../rpm/metadata/filelists-and-other.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';

/** Looks for paths in filelists metadata, in one pass. Throws a reason for unsound metadata. */
export async function findOwners(chunks: AsyncIterable<Buffer>, packages: readonly AvailablePackage[], paths: ReadonlySet<string>, options: { readonly signal: AbortSignal; readonly onProgress?: (() => void) | undefined }): Promise<Map<string, AvailablePackage[]>> {
  const byChecksum = Map.groupBy(packages, ({ checksum }) => checksum.hex);
  const owners = new Map<string, AvailablePackage[]>();
  for await (const { pkgid, files } of readFilelists(chunks, options.signal)) {
    options.onProgress?.();
    const listed = byChecksum.get(pkgid);
    if (listed === undefined) continue;
    for (const path of new Set(files.map((file) => file.path))) {
      if (!paths.has(path)) continue;
      const known = owners.get(path);
      if (known === undefined) owners.set(path, [...listed]);
      else known.push(...listed);
    }
  }
  return owners;
}
