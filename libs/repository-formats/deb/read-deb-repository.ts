import { createHash } from 'node:crypto';
import type { ExistingPackage, ExistingPlace, ReadExistingOptions, ReadExistingRepository } from '../../repository-import/existing-repository.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Release } from '../../deb/release-file.js';
import { readPackagesIndex, type DeclaredIndex } from './read-packages-index.js';
import { readRelease } from './read-release.js';

/** Packages of one distribution; the largest have some 70,000 an architecture. */
const maxPackages = 1_000_000;
/** In the order in which they are preferred: the smallest first. */
const endings = ['.xz', '.zst', '.bz2', '.gz', '.lzma', ''] as const;

/**
 * Reads what an apt repository lists: `InRelease`, or `Release` and its signature, then `Packages` of the components and architectures that are asked for, each by the digest
 * that the signed file declares. Source packages and packages of the installer are passed over. Errors: see `ExistingRepository`.
 */
export const readDebRepository: ReadExistingRepository = async (place, options) => {
  const { deb } = options;
  if (deb === undefined) throw new MillraceError('invalid-request', 'an apt repository is read by its suite, components and architectures: none are given');
  const { release, text } = await readRelease(place, { ...options, suite: deb.suite });
  const indexes = indexesOf(release, deb);
  // One that is misspelt, or that the upstream has left out, must not be taken for one without packages.
  const absent = deb.components.filter((component) => indexes.every((index) => index.component !== component));
  if (absent.length > 0)
    throw new MillraceError('source-invalid', `the Release file of ${deb.suite} at ${place.name} declares no Packages of ${absent.join(', ')} for ${deb.architectures.join(', ')}`, {
      suggestion: `It says that it has the components ${release.components.join(', ')} and the architectures ${release.architectures.join(', ')}.`,
    });
  const { origin, label, codename, description } = release;
  return {
    kind: 'deb',
    indexSha256: createHash('sha256').update(text).digest('hex'),
    serial: release.date,
    packages: () => packagesOf(place, indexes, options),
    // The suite is the folder that was read, which need not be what the Release file calls it.
    describes: { deb: { origin, label, suite: deb.suite, codename, description, components: deb.components, architectures: deb.architectures.filter((architecture) => architecture !== 'all') } },
  };
};

/** Of packages for all architectures there is an index of their own beside, or none: they are in that of each. */
function indexesOf(release: Release, { suite, components, architectures }: NonNullable<ReadExistingOptions['deb']>): readonly DeclaredIndex[] {
  const folder = `dists/${suite}`;
  return components.flatMap((component) =>
    [...new Set([...architectures, 'all'])].flatMap((architecture) => {
      const directory = `${component}/binary-${architecture}`;
      const name = endings.map((ending) => `${directory}/Packages${ending}`).find((each) => release.files.has(each));
      const file = name === undefined ? undefined : release.files.get(name);
      if (name === undefined || file === undefined) return [];
      const algorithm = file.digest.length === 64 ? 'SHA256' : 'SHA512';
      return [{ ...file, component, path: `${folder}/${name}`, byHash: release.acquireByHash ? `${folder}/${directory}/by-hash/${algorithm}/${file.digest}` : undefined }];
    }),
  );
}

/** Each file once: packages for all architectures are in several indexes. */
async function* packagesOf(place: ExistingPlace, indexes: readonly DeclaredIndex[], options: ReadExistingOptions): AsyncGenerator<ExistingPackage, void> {
  const seen = new Map<string, string>();
  for (const index of indexes) {
    for await (const declared of readPackagesIndex(place, index, options)) {
      const { path, checksum } = declared;
      const before = seen.get(path);
      if (before === checksum.value) continue;
      if (before !== undefined) throw new MillraceError('source-invalid', `the indexes at ${place.name} declare two digests of ${path}: ${before} and ${checksum.value}`);
      if (seen.size === maxPackages) throw new MillraceError('source-invalid', `the indexes at ${place.name} declare more than ${maxPackages} packages`);
      seen.set(path, checksum.value);
      yield declared;
    }
  }
}
