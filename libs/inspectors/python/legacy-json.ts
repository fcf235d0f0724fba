import { isRecord, own } from '../../inspection/bounded-json.js';
import type { Replacement, VisibilityLimit } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { describeHidden, isVisible, readPublicationTime } from '../declarations/publication-time.js';
import { normaliseProjectName } from './project-name.js';
import { normalisePythonVersion } from './python-version.js';
import type { IndexedFile } from './simple-index.js';

const maxFiles = 200_000;
const sha256Hex = /^[0-9a-fA-F]{64}$/;

/** What the legacy JSON API of an index says of a project, or of one release. */
export interface LegacyDocument {
  /** Of the release that `info` describes. */
  readonly version: string;
  readonly files: readonly IndexedFile[];
  /** When the first file of that release was uploaded, or empty: later ones (wheels of more systems) do not make a release younger. */
  readonly published: string;
}

/** Reads a parsed `/pypi/<project>[/<version>]/json`. Throws the reason when it is none, or that of another project or version. */
export function readLegacyJson(document: unknown, asked: { readonly project: string; readonly version: string | undefined }, url: string): LegacyDocument {
  const info = isRecord(document) ? own(document, 'info') : undefined;
  const name = isRecord(info) ? own(info, 'name') : undefined;
  const version = isRecord(info) ? own(info, 'version') : undefined;
  if (!isRecord(document) || typeof name !== 'string' || typeof version !== 'string' || version.length > 256) throw refusal('the document has no project with name and version');
  if (normaliseProjectName(name.slice(0, 512)) !== asked.project) throw refusal(`the document is not that of ${JSON.stringify(asked.project)}`);
  if (asked.version !== undefined && normalisePythonVersion(asked.version) !== normalisePythonVersion(version))
    throw refusal(`the document is that of version ${JSON.stringify(version)}, but ${JSON.stringify(asked.version)} was asked for`);
  const releases = own(document, 'releases');
  const urls = own(document, 'urls');
  const lists = [urls, ...(isRecord(releases) ? Object.values(releases) : [])];
  const files = lists.flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  if (files.length > maxFiles) throw limitExceeded(`the document has more than ${maxFiles} files`);
  const times = (Array.isArray(urls) ? urls.map(uploadTime) : []).filter((time) => time !== '');
  return { version, files: files.map((file) => readFile(file, url)), published: times.sort()[0] ?? '' };
}

function readFile(file: unknown, base: string): IndexedFile {
  const location = isRecord(file) ? own(file, 'url') : undefined;
  const url = typeof location === 'string' ? parseDeclaredUrl(location, base) : undefined;
  if (!isRecord(file) || url === undefined) throw refusal('the document has a file without a URL that can be fetched');
  const digests = own(file, 'digests');
  const sha256 = isRecord(digests) ? own(digests, 'sha256') : undefined;
  return {
    url,
    sha256: typeof sha256 === 'string' && sha256Hex.test(sha256) ? sha256.toLowerCase() : '',
    metadataSha256: '',
    yanked: own(file, 'yanked') === true,
    published: uploadTime(file),
  };
}

/**
 * A document of a project without the files that the limit hides, and without releases that have no file left; its `info` stays, under the
 * version of the newest file left. Undefined when nothing is hidden; `'timeless'` when it has files but no times.
 */
export function hideYoungReleases(document: Record<string, unknown>, limit: VisibilityLimit): Replacement | 'timeless' | undefined {
  const releases = own(document, 'releases');
  const entries = isRecord(releases) ? Object.entries(releases).map(([version, files]): [string, unknown[]] => [version, Array.isArray(files) ? files : []]) : [];
  const all = entries.flatMap(([, files]) => files);
  if (all.length === 0) return undefined;
  if (!all.some((file) => uploadTime(file) !== '')) return 'timeless';
  // A release that never had a file tells no time.
  const left = entries.map(([version, files]): [string, unknown[]] => [version, files.filter((file) => isVisible(uploadTime(file), limit))]).filter(([, files]) => files.length > 0);
  const visible = left.flatMap(([, files]) => files);
  if (visible.length === all.length) return undefined;
  const [newest = '', urls = []] = [...left].sort(([, one], [, other]) => latest(one).localeCompare(latest(other))).at(-1) ?? [];
  const info = own(document, 'info');
  const shown = { ...document, info: { ...(isRecord(info) ? info : {}), version: newest }, releases: Object.fromEntries(left), urls };
  return { bytes: Buffer.from(JSON.stringify(shown)), reason: describeHidden(all.length - visible.length, all.length, limit, 'files') };
}

function latest(files: readonly unknown[]): string {
  return files.map(uploadTime).sort().at(-1) ?? '';
}

function uploadTime(file: unknown): string {
  return isRecord(file) ? readPublicationTime(own(file, 'upload_time_iso_8601')) : '';
}
