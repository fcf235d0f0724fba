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

/**
 * By digest where the index has SHA-256; else by what the package is called and its size: what was published once under a name is never other bytes here. For the same reason,
 * what the upstream has built again under the same name is wanted (and refused), and what is here is not gone.
 */
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
    gone.delete(known ?? keyOf(upstream));
    if (known === undefined) wanted.set(`${upstream.checksum.algorithm}:${upstream.checksum.value}`, upstream);
  }
  return { listed, wanted: [...wanted.values()], gone: [...gone].sort() };
}

interface Here {
  readonly byDigest: ReadonlyMap<string, string>;
  readonly sizes: ReadonlyMap<string, number>;
}

function keyHere(upstream: ExistingPackage, { byDigest, sizes }: Here): string | undefined {
  const { checksum, size } = upstream;
  if (checksum.algorithm === 'sha256') return byDigest.get(checksum.value);
  const key = keyOf(upstream);
  const known = sizes.get(key);
  return known !== undefined && (size === undefined || size === known) ? key : undefined;
}

function keyOf({ key, path }: ExistingPackage): string {
  return key ?? path.slice(path.lastIndexOf('/') + 1);
}
