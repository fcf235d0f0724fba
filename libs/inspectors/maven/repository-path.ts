import { decodeSegment, normalisePath } from '../declarations/declared-url.js';

export const sidecarAlgorithms = ['sha512', 'sha256', 'sha1', 'md5'] as const;
export type SidecarAlgorithm = (typeof sidecarAlgorithms)[number];

/** A file of a release, `<group as directories>/<artifact>/<version>/<artifact>-<version>[-<classifier>].<extension>`. */
export interface ArtefactPath {
  /** Directories before the artifact's, outermost first: the base of the repository, then the group; where one ends cannot be told. */
  readonly parents: readonly string[];
  readonly artifact: string;
  /** Of the directory: `1.0-SNAPSHOT` for snapshots. */
  readonly version: string;
  /** Path of the directory, without `/` at its end. */
  readonly directory: string;
  /** `-<classifier>` and extension: what follows artifact and version in the file name. */
  readonly tail: string;
}

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,255}$/;
const versionPattern = /^[A-Za-z0-9_][A-Za-z0-9_.+~-]{0,255}$/;
const timestampPattern = /^\d{8}\.\d{6}-\d{1,9}/;
const snapshot = '-SNAPSHOT';

/** The file of a release that a path names, undefined for what has another layout. */
export function parseArtefactPath(path: string): ArtefactPath | undefined {
  const parts = segmentsOf(path);
  if (parts === undefined || parts.length < 4) return undefined;
  const [artifact = '', version = '', file = ''] = parts.slice(-3);
  const parents = parts.slice(0, -3);
  if (!namePattern.test(artifact) || !versionPattern.test(version)) return undefined;
  const tail = tailOf(file, artifact, version);
  if (tail === undefined) return undefined;
  return { parents, artifact, version, directory: `/${parts.slice(0, -1).join('/')}`, tail };
}

/** The directory names of a `maven-metadata.xml`, undefined for another file. */
export function parseMetadataPath(path: string): readonly string[] | undefined {
  const parts = segmentsOf(path);
  return parts !== undefined && parts.length > 1 && parts.at(-1) === 'maven-metadata.xml' ? parts.slice(0, -1) : undefined;
}

/** The file that a sidecar (`….jar.sha1`) belongs to. */
export function parseSidecarPath(path: string): { readonly subject: string; readonly kind: SidecarAlgorithm | 'asc' } | undefined {
  const dot = path.lastIndexOf('.');
  const suffix = path.slice(dot + 1);
  const kind = suffix === 'asc' ? suffix : sidecarAlgorithms.find((algorithm) => algorithm === suffix);
  const subject = path.slice(0, dot);
  if (kind === undefined) return undefined;
  // A signature is a file of the release and has digests of its own.
  const plain = subject.endsWith('.asc') ? subject.slice(0, -4) : subject;
  return parseArtefactPath(plain) === undefined && parseMetadataPath(plain) === undefined ? undefined : { subject, kind };
}

/** Whether directories end in those of a group (`org.example` ends `maven2/org/example`). */
export function endsInGroup(parents: readonly string[], group: string): boolean {
  const names = group.split('.');
  return group !== '' && names.length <= parents.length && names.every((name, index) => name === parents[parents.length - names.length + index]);
}

export function isSnapshot(version: string): boolean {
  return version.endsWith(snapshot);
}

function segmentsOf(path: string): string[] | undefined {
  const parts = normalisePath(path).slice(1).split('/').map(decodeSegment);
  const safe = parts.filter((part): part is string => part !== undefined && part !== '.' && part !== '..' && !/[/\\]/.test(part));
  return safe.length === parts.length ? safe : undefined;
}

function tailOf(file: string, artifact: string, version: string): string | undefined {
  if (!file.startsWith(`${artifact}-`)) return undefined;
  const rest = file.slice(artifact.length + 1);
  let tail = rest.startsWith(version) ? rest.slice(version.length) : undefined;
  if (tail === undefined && isSnapshot(version)) {
    const base = version.slice(0, -snapshot.length + 1);
    const stamp = rest.startsWith(base) ? timestampPattern.exec(rest.slice(base.length))?.[0] : undefined;
    if (stamp !== undefined) tail = rest.slice(base.length + stamp.length);
  }
  return tail !== undefined && /^(?:-[A-Za-z0-9_.+~-]+)?\.[A-Za-z0-9.]+$/.test(tail) ? tail : undefined;
}
