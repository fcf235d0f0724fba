import { decodeSegment, normalisePath } from '../declarations/declared-url.js';

export const checksumAlgorithms = ['sha512', 'sha256', 'sha1', 'md5'] as const;
/** Algorithms of checksum files, strongest first; also their extensions. */
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** A file of a release, `<group as directories>/<artifact>/<version>/<artifact>-<version>[-<classifier>].<extension>`. */
export interface ReleaseFile {
  /** Directories before the artifact's, outermost first: the base of the repository, then the group. Where the base ends only the POM tells. */
  readonly parents: readonly string[];
  readonly artifact: string;
  /** Of the directory: `1.0-SNAPSHOT` for snapshots. */
  readonly version: string;
  /** Normalised path up to and with artifact and version of the file name (timestamped for snapshots): the same for all files of a release. */
  readonly stem: string;
  /** Empty when the file has none. */
  readonly classifier: string;
  /** All after the first dot that follows: `jar`, `tar.gz`. */
  readonly extension: string;
}

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,255}$/;
const versionPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,255}$/;
const timestampPattern = /^\d{8}\.\d{6}-\d{1,9}/;
const tailPattern = /^(?:-([A-Za-z0-9_.+~-]{1,256}?))?\.([A-Za-z0-9][A-Za-z0-9.]{0,31})$/;
const snapshot = '-SNAPSHOT';

/**
 * The file of a release that a path names, undefined for what has another layout
 * (https://maven.apache.org/repository/layout.html).
 */
export function parseReleasePath(path: string): ReleaseFile | undefined {
  const parts = segmentsOf(path);
  if (parts === undefined || parts.length < 4) return undefined;
  const [artifact = '', version = '', file = ''] = parts.slice(-3);
  const parents = parts.slice(0, -3);
  if (!namePattern.test(artifact) || !versionPattern.test(version)) return undefined;
  const length = stemLength(file, artifact, version);
  const tail = length === undefined ? null : tailPattern.exec(file.slice(length));
  if (tail === null) return undefined;
  return {
    parents,
    artifact,
    version,
    stem: `/${[...parts.slice(0, -1), file.slice(0, length)].join('/')}`,
    classifier: tail[1] ?? '',
    extension: tail[2] ?? '',
  };
}

/** The directories of a `maven-metadata.xml`, outermost first; undefined for another file. */
export function parseMetadataPath(path: string): readonly string[] | undefined {
  if (!path.endsWith('/maven-metadata.xml')) return undefined;
  const parts = segmentsOf(path);
  return parts !== undefined && parts.length > 1 ? parts.slice(0, -1) : undefined;
}

/** Path of the file that a path with the extension of a checksum or a signature belongs to. */
export interface Sidecar {
  readonly subject: string;
  readonly kind: ChecksumAlgorithm | 'asc';
}

/** Undefined for paths that belong to no file of a repository. */
export function parseSidecarPath(path: string): Sidecar | undefined {
  const dot = path.lastIndexOf('.');
  const extension = path.slice(dot + 1);
  const kind = extension === 'asc' ? extension : checksumAlgorithms.find((algorithm) => algorithm === extension);
  if (kind === undefined) return undefined;
  const subject = path.slice(0, dot);
  // A signature is a file of the release and has checksums of its own.
  const file = kind !== 'asc' && subject.endsWith('.asc') ? subject.slice(0, -4) : subject;
  return parseReleasePath(file) === undefined && parseMetadataPath(file) === undefined && parseDistributionPath(file) === undefined ? undefined : { subject, kind };
}

/** `gradle-<version>-<bin|all|src|docs>.zip`, a distribution that Gradle's wrapper downloads; undefined for another file. */
export function parseDistributionPath(path: string): { readonly version: string; readonly kind: string } | undefined {
  const found = /\/gradle-(\d[A-Za-z0-9.+-]{0,64})-(bin|all|src|docs)\.zip$/.exec(path);
  return found === null ? undefined : { version: found[1] ?? '', kind: found[2] ?? '' };
}

/** Directories before those of a group, when `parents` end in the group (`org.example` ends `maven2/org/example`); else undefined. */
export function baseOfGroup(parents: readonly string[], group: string): readonly string[] | undefined {
  const names = group.split('.');
  const base = parents.length - names.length;
  return group !== '' && base >= 0 && names.every((name, index) => name === parents[base + index]) ? parents.slice(0, base) : undefined;
}

export function isSnapshot(version: string): boolean {
  return version.endsWith(snapshot);
}

function segmentsOf(path: string): string[] | undefined {
  const parts = normalisePath(path).slice(1).split('/').map(decodeSegment);
  const safe = parts.filter((part): part is string => part !== undefined && part !== '.' && part !== '..' && !/[/\\]/.test(part));
  return safe.length === parts.length ? safe : undefined;
}

/** Length of `<artifact>-<version>` at the start of a file name; a snapshot's version may have a timestamp in place of `SNAPSHOT`. */
function stemLength(file: string, artifact: string, version: string): number | undefined {
  if (!file.startsWith(`${artifact}-`)) return undefined;
  const rest = file.slice(artifact.length + 1);
  if (rest.startsWith(version)) return artifact.length + 1 + version.length;
  if (!isSnapshot(version)) return undefined;
  const base = version.slice(0, -snapshot.length + 1);
  const stamp = rest.startsWith(base) ? timestampPattern.exec(rest.slice(base.length))?.[0] : undefined;
  return stamp === undefined ? undefined : artifact.length + 1 + base.length + stamp.length;
}
