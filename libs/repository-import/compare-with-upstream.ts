import { MillraceError } from '../errors/millrace-error.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { ExistingPackage, ExistingRepository } from './existing-repository.js';

export interface UpstreamDifference {
  /** Packages that the upstream lists. */
  readonly listed: number;
  /** Not here yet. */
  readonly wanted: readonly ExistingPackage[];
  /** Keys of what is here and not there. */
  readonly gone: readonly string[];
}

/** Entries of an index before it counts as an attack. */
const mostPackages = 500_000;

/** By digest where the index has SHA-256; else by the name of the file and its size: what was published once under a name is never other bytes here. */
export async function compareWithUpstream(existing: Pick<ExistingRepository, 'packages'>, here: AsyncIterable<Pick<ListedPackage, 'key' | 'sha256' | 'size'>>): Promise<UpstreamDifference> {
  const byDigest = new Map<string, string>();
  const sizes = new Map<string, number>();
  for await (const { key, sha256, size } of here) {
    byDigest.set(sha256, key);
    sizes.set(key, size);
  }
  const gone = new Set(sizes.keys());
  const wanted = new Map<string, ExistingPackage>();
  let listed = 0;
  for await (const upstream of existing.packages()) {
    listed += 1;
    if (listed > mostPackages) throw new MillraceError('source-invalid', `the index lists more than ${mostPackages} packages`);
    const known = keyHere(upstream, { byDigest, sizes });
    if (known !== undefined) gone.delete(known);
    else wanted.set(`${upstream.checksum.algorithm}:${upstream.checksum.value}`, upstream);
  }
  return { listed, wanted: [...wanted.values()], gone: [...gone].sort() };
}

interface Here {
  readonly byDigest: ReadonlyMap<string, string>;
  readonly sizes: ReadonlyMap<string, number>;
}

function keyHere({ checksum, path, size }: ExistingPackage, { byDigest, sizes }: Here): string | undefined {
  if (checksum.algorithm === 'sha256') return byDigest.get(checksum.value);
  const file = path.slice(path.lastIndexOf('/') + 1);
  const known = sizes.get(file);
  return known !== undefined && (size === undefined || size === known) ? file : undefined;
}
