import { limitExceeded, refusal } from '../inspection/refusal.js';
import { readOneParagraph, type Paragraph } from './control-file.js';
import { safeFileName } from './file-name.js';

/** What a `Release` or `InRelease` file says, https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files */
export interface Release {
  readonly origin: string;
  readonly label: string;
  readonly suite: string;
  readonly codename: string;
  readonly version: string;
  readonly description: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  /** Milliseconds since 1970; undefined: not told, which apt takes as well. */
  readonly date: number | undefined;
  readonly validUntil: number | undefined;
  /** The indexes lie there by their hashes as well. */
  readonly acquireByHash: boolean;
  /** By path relative to the file's directory. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

export interface ReleaseFile {
  readonly size: number;
  /** Lower-case hex: SHA-256 where the file has it, else SHA-512; told apart by the length. */
  readonly digest: string;
}

/** Bytes of a Release file; that of the largest archives has some 300 KiB. */
export const releaseLimit = 16 * 1024 * 1024;
const maxFiles = 50_000;

/** Reads the text of a Release file whose signature holds. Throws a reason when a field that matters is missing or malformed. */
export async function parseRelease(text: Buffer): Promise<Release> {
  const fields = await readOneParagraph(text);
  const field = (name: string): string => fields.get(name)?.split('\n', 1)[0] ?? '';
  const suite = field('suite');
  const codename = field('codename');
  const [date, validUntil] = [field('date'), field('valid-until')];
  return {
    origin: field('origin'),
    label: field('label'),
    suite,
    codename,
    version: field('version'),
    description: field('description'),
    components: field('components').split(/\s+/).filter((name) => name !== ''),
    architectures: field('architectures').split(/\s+/).filter((name) => name !== ''),
    date: date === '' ? undefined : parseMoment(date, 'Date'),
    validUntil: validUntil === '' ? undefined : parseMoment(validUntil, 'Valid-Until'),
    acquireByHash: field('acquire-by-hash') === 'yes',
    files: readFiles(fields),
  };
}

/** `Sat, 11 Jul 2026 10:16:37 UTC`, the form of RFC 5322 in UTC. */
function parseMoment(text: string, name: string): number {
  const sound = /^(?:[A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d{2}:\d{2} (?:UTC|GMT|Z|[+-]0000)$/.test(text);
  const moment = sound ? Date.parse(text.replace(/ (?:Z|[+-]0000)$/, ' UTC')) : Number.NaN;
  if (Number.isNaN(moment)) throw refusal(`the Release file has no valid ${name} in UTC`);
  return moment;
}

function readFiles(fields: Paragraph): ReadonlyMap<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  // SHA-256 last: it goes over what SHA-512 gave, since the proxy has that digest of every body already.
  addFiles(files, fields.get('sha512') ?? '', 128);
  addFiles(files, fields.get('sha256') ?? '', 64);
  if (files.size === 0) throw refusal('the Release file declares no file by SHA-256 or SHA-512; MD5 and SHA-1 are not believed');
  return files;
}

function addFiles(files: Map<string, ReleaseFile>, list: string, length: number): void {
  for (const { name, size, digest } of readDigestList(list, length)) files.set(name, { size, digest });
  if (files.size > maxFiles) throw limitExceeded(`the Release file declares more than ${maxFiles} files`);
}

export interface ListedFile extends ReleaseFile {
  readonly name: string;
}

/** Lines of `<digest> <size> <name>`, as in Release, Sources, `.dsc` and `Index` of diffs. `length` is that of the digest in hex. */
export function readDigestList(list: string, length: number): readonly ListedFile[] {
  const listed: ListedFile[] = [];
  const seen = new Map<string, string>();
  for (const line of list.split('\n')) {
    if (line.trim() === '') continue;
    const [digest = '', size = '', name = '', ...more] = line.trim().split(/\s+/);
    if (digest.length !== length || !/^[0-9a-fA-F]+$/.test(digest) || !/^\d{1,15}$/.test(size) || more.length > 0)
      throw refusal(`the list of files has the line ${JSON.stringify(line.slice(0, 120))}`);
    const safe = safeFileName(name);
    const before = seen.get(safe);
    if (before === digest) continue;
    if (before !== undefined) throw refusal(`the list of files has two digests of ${JSON.stringify(safe.slice(0, 120))}`);
    seen.set(safe, digest);
    listed.push({ name: safe, size: Number(size), digest: digest.toLowerCase() });
    if (listed.length > maxFiles) throw limitExceeded(`a list of files has more than ${maxFiles} lines`);
  }
  return listed;
}

const clockDifference = 10 * 60_000;

/** Why a Release file must not be used at this moment, as apt would not; undefined when it may. */
export function whyNotCurrent(release: Release, now: number): string | undefined {
  if (release.date !== undefined && release.date > now + clockDifference) return `its Date (${new Date(release.date).toISOString()}) is in the future: check the clock of this machine and of the archive`;
  if (release.validUntil !== undefined && release.validUntil < now)
    return `its Valid-Until (${new Date(release.validUntil).toISOString()}) is over: use a mirror that is up to date`;
  return undefined;
}
