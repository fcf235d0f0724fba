import { refusal } from '../../inspection/refusal.js';
import type { RpmHeader } from './header.js';
import { tag } from './tags.js';

/** One file of a package. */
export interface PackageEntry {
  /** Absolute; only the name in a source package. */
  readonly path: string;
  /** Type and permissions as in `stat`. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex by `digestAlgorithm` of the list; empty for what is no regular file. */
  readonly digest: string;
  /** Bits of rpm's `rpmfileAttrs`: 1 configuration, 2 documentation, 64 ghost. */
  readonly flags: number;
  /** Target of a symbolic link, else empty. */
  readonly link: string;
}

export interface FileList {
  /** OpenPGP number of the algorithm of file digests: 8 is SHA-256, 1 (MD5) when the header does not say. */
  readonly digestAlgorithm: number;
  readonly entries: readonly PackageEntry[];
}

/** Bytes of all paths together: a hostile header repeats one long directory for each of its files. */
const maxPathBytes = 64 * 1024 * 1024;

/** The files that a header lists. Throws a reason when its lists do not fit together. */
export function readFileList(header: RpmHeader): FileList {
  const paths = readPaths(header);
  const modes = header.numbers(tag.fileModes);
  const small = header.numbers(tag.fileSizes);
  const sizes = small.length > 0 ? small : header.numbers(tag.longFileSizes);
  const digests = header.strings(tag.fileDigests);
  const flags = header.numbers(tag.fileFlags);
  const links = header.strings(tag.fileLinks);
  for (const list of [modes, sizes, digests, flags, links]) if (list.length !== 0 && list.length !== paths.length) throw refusal("the package's file list is damaged: its parts differ in number");
  const entries = paths.map((path, index) => ({
    path,
    mode: modes[index] ?? 0,
    size: sizes[index] ?? 0,
    digest: digests[index] ?? '',
    flags: flags[index] ?? 0,
    link: links[index] ?? '',
  }));
  return { digestAlgorithm: header.numbers(tag.fileDigestAlgorithm)[0] ?? 1, entries };
}

/** All paths, as `PackageEntry` says. Throws a reason when names and directories do not fit together. */
export function readPaths(header: RpmHeader): readonly string[] {
  const names = header.strings(tag.baseNames);
  if (names.length === 0) return header.strings(tag.oldFileNames); // rpm 3 wrote whole paths
  const directories = header.strings(tag.directoryNames);
  const indexes = header.numbers(tag.directoryIndexes);
  if (indexes.length !== names.length) throw refusal("the package's file list is damaged: its names and directories differ in number");
  let bytes = 0;
  return names.map((name, index) => {
    const directory = directories[indexes[index] as number];
    if (directory === undefined) throw refusal("the package's file list is damaged: it names a directory that is not there");
    bytes += directory.length + name.length;
    if (bytes > maxPathBytes) throw refusal(`the package's file list has more than ${maxPathBytes} bytes of paths`);
    return directory + name;
  });
}

/** The first path that no honest package has: not absolute, or with `..` in it; undefined when there is none. Source packages have bare names. */
export function findUnsafePath(list: FileList, source: boolean): string | undefined {
  const unsafe = source ? /\/|^\.\.?$|^$/ : /^[^/]|^$|\/\.\.(?:\/|$)/;
  return list.entries.find(({ path }) => unsafe.test(path))?.path;
}
