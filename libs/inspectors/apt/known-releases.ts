import type { SessionKnowledge } from '../../inspection/inspector.js';
import { limitExceeded } from '../../inspection/refusal.js';
import type { Release } from '../../deb/release-file.js';
import { directoriesAbove } from './repository-path.js';
import { addToList, readList } from './spread-list.js';

/** A Release file that this session was given and whose signature holds. */
export interface KnownRelease {
  /** URL path of its directory, `/` at its end. */
  readonly base: string;
  readonly origin: string;
  readonly codename: string;
  readonly suite: string;
  /** Fingerprints, upper-case hex. */
  readonly signedBy: readonly string[];
  /** Components that the configuration allows; undefined: all. */
  readonly allowedComponents?: readonly string[];
  readonly architectures: readonly string[];
  /** `<size> <digest>` by path relative to `base`. */
  readonly files: Readonly<Record<string, string>>;
}

/** A file that a known release declares. */
export interface ReleaseEntry {
  readonly release: KnownRelease;
  /** Relative to the release's base. */
  readonly name: string;
  readonly size: number;
  readonly digest: string;
}

const maxValueBytes = 3.5 * 1024 * 1024;

/** Remembers a release until the session ends, beside the one before it: a mirror may be updated while a build runs, and both are signed. */
export async function rememberRelease(knowledge: SessionKnowledge, origin: string, known: KnownRelease): Promise<void> {
  const key = releaseKey(origin, known.base);
  const text = JSON.stringify(known);
  if (Buffer.byteLength(text) > maxValueBytes) throw limitExceeded('the Release file declares more files than can be remembered');
  const [newest] = parseReleases(await knowledge.get(key));
  const before = newest === undefined || JSON.stringify(newest) === text ? [] : [newest];
  const both = JSON.stringify([known, ...before]);
  await knowledge.put(key, Buffer.byteLength(both) > maxValueBytes ? `[${text}]` : both);
  await addToList(knowledge, listKey(origin), known.base);
}

/** The newest release of every directory of an origin. */
export async function knownReleases(knowledge: SessionKnowledge, origin: string): Promise<readonly KnownRelease[]> {
  const bases = await readList(knowledge, listKey(origin));
  const releases = await Promise.all(bases.map(async (base) => parseReleases(await knowledge.get(releaseKey(origin, base)))[0]));
  return releases.filter((release) => release !== undefined);
}

/** The releases of the directory of a file, or of the nearest one above it that has any, newest first. */
export async function findReleases(knowledge: SessionKnowledge, origin: string, path: string): Promise<readonly KnownRelease[]> {
  for (const directory of directoriesAbove(path)) {
    const releases = parseReleases(await knowledge.get(releaseKey(origin, directory)));
    if (releases.length > 0) return releases;
  }
  return [];
}

/** What releases declare of one file; those that do not are left out. */
export function entriesNamed(releases: readonly KnownRelease[], path: string): readonly ReleaseEntry[] {
  return releases.flatMap((release) => entryOf(release, path.slice(release.base.length)) ?? []);
}

/** Files that releases declare in a directory (a URL path with `/` at its end), for names by hash. */
export function entriesIn(releases: readonly KnownRelease[], directory: string): readonly ReleaseEntry[] {
  return releases.flatMap((release) => {
    const relative = directory.slice(release.base.length);
    const names = Object.keys(release.files).filter((name) => name.startsWith(relative) && !name.includes('/', relative.length));
    return names.flatMap((name) => entryOf(release, name) ?? []);
  });
}

function entryOf(release: KnownRelease, name: string): ReleaseEntry | undefined {
  const declared = Object.hasOwn(release.files, name) ? release.files[name] : undefined;
  if (declared === undefined) return undefined;
  const [size = '', digest = ''] = declared.split(' ');
  return { release, name, size: Number(size), digest };
}

/** What to keep of a release. */
export function toKnownRelease(release: Release, known: Pick<KnownRelease, 'base' | 'signedBy' | 'allowedComponents'>): KnownRelease {
  return {
    ...known,
    origin: release.origin,
    codename: release.codename,
    suite: release.suite,
    architectures: release.architectures.slice(0, 64),
    files: Object.fromEntries([...release.files].map(([name, { size, digest }]) => [name, `${size} ${digest}`])),
  };
}

function listKey(origin: string): string {
  return `apt/releases/${origin}`;
}

function releaseKey(origin: string, base: string): string {
  return `apt/release/${origin}${base}`;
}

function parseReleases(value: string | undefined): readonly KnownRelease[] {
  return value === undefined ? [] : (JSON.parse(value) as KnownRelease[]); // written by this file only
}
