import { directoryOf } from './repository-path.js';

/** What kind of index a name stands for; `other` is declared by a release, but read by nobody here. */
export type IndexKind = 'packages' | 'sources' | 'translation' | 'commands' | 'contents' | 'components' | 'icons' | 'diff' | 'other';

/** What a URL path asks of a repository. */
export interface IndexPath {
  /** Of the file; of the files around `by-hash` for names by hash. */
  readonly directory: string;
  /** Undefined for names by hash: what it is, the release tells. */
  readonly kind: IndexKind | undefined;
  readonly byHash?: { readonly algorithm: 'sha256' | 'sha512' | 'sha1' | 'md5'; readonly hex: string };
}

const byHashPath = /^(.*\/)by-hash\/(SHA256|SHA512|SHA1|MD5Sum)\/([0-9a-fA-F]{32,128})$/;
const algorithms = { SHA256: 'sha256', SHA512: 'sha512', SHA1: 'sha1', MD5Sum: 'md5' } as const;
const names: readonly (readonly [RegExp, IndexKind])[] = [
  [/^Packages$/, 'packages'],
  [/^Sources$/, 'sources'],
  [/^Translation-[A-Za-z_@-]+$/, 'translation'],
  [/^Commands-[a-z0-9-]+$/, 'commands'],
  [/^Contents-[a-z0-9-]+$/, 'contents'],
  [/^Components-[a-z0-9-]+\.yml$/, 'components'],
  [/^icons-\d+x\d+(?:@\d)?\.tar$/, 'icons'],
];

/** Undefined for a path that is none of an index. */
export function parseIndexPath(path: string): IndexPath | undefined {
  const byHash = byHashPath.exec(path);
  if (byHash !== null) {
    const [, directory = '', algorithm = '', hex = ''] = byHash;
    return { directory, kind: undefined, byHash: { algorithm: algorithms[algorithm as keyof typeof algorithms], hex: hex.toLowerCase() } };
  }
  const kind = kindOfName(path);
  return kind === 'other' ? undefined : { directory: directoryOf(path), kind };
}

/** The kind of a file by its path: the last segment without the suffix of a compression, and the directory for the list of diffs. */
export function kindOfName(path: string): IndexKind {
  if (path.endsWith('.diff/Index')) return 'diff';
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:gz|xz|zst|bz2|lzma)$/, '');
  return names.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}
