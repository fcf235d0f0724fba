import { readFilelists } from '../rpm/metadata/filelists-and-other.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import { packagesListing } from './packages-listing.js';

export interface OwnersOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (() => void) | undefined;
}

/** Looks for paths in filelists metadata, in one pass. Throws a reason for unsound metadata. */
export async function findOwners(chunks: AsyncIterable<Buffer>, packages: readonly AvailablePackage[], paths: ReadonlySet<string>, options: OwnersOptions): Promise<Map<string, AvailablePackage[]>> {
  const byChecksum = Map.groupBy(packages, ({ checksum }) => checksum.hex);
  const owners = new Map<string, AvailablePackage[]>();
  for await (const { pkgid, files } of readFilelists(packagesListing(noticed(chunks, options), paths), options.signal)) {
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

async function* noticed(chunks: AsyncIterable<Buffer>, { signal, onProgress }: OwnersOptions): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    onProgress?.();
    yield chunk;
  }
}
