import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { Replacement, VisibilityLimit } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { describeHidden, isVisible, readPublicationTime } from '../declarations/publication-time.js';
import { isCrateVersion } from './crate-id.js';

/** One line of a crate's index file. */
export interface IndexedRelease {
  readonly version: string;
  /** SHA-256 of the `.crate` file in lower-case hex. */
  readonly checksum: string;
  readonly yanked: boolean;
  /** `pubtime`, as `readPublicationTime` gives it; empty when the line has none. */
  readonly published: string;
}

const maxLines = 100_000;
const lineFeed = 0x0a;
const checksumPattern = /^[0-9a-fA-F]{64}$/;

/** Releases of a crate, one JSON object a line. Throws the reason for a line that is not of the crate (in lower case) that was asked for. */
export function readIndexFile(bytes: Buffer, crate: string): readonly IndexedRelease[] {
  const releases = new Map<string, IndexedRelease>();
  for (const { text, line } of linesOf(bytes)) {
    const release = readRelease(parseBoundedJson(text), { crate, line });
    const same = releases.get(release.version);
    if (same !== undefined && same.checksum !== release.checksum) throw refusal(`the index file gives version ${release.version} two checksums`);
    releases.set(release.version, release);
  }
  if (releases.size === 0) throw refusal('the index file has no releases');
  return [...releases.values()];
}

/**
 * An index file that was read before, without the releases that the limit hides; the lines left stay as they are, so that the same file and limit
 * always give the same bytes. Undefined when nothing is hidden; `'timeless'` when no line has a time.
 */
export function hideYoungLines(bytes: Buffer, crate: string, limit: VisibilityLimit): Replacement | 'timeless' | undefined {
  const lines = [...linesOf(bytes)].map(({ text, line }) => ({ text, published: readRelease(parseBoundedJson(text), { crate, line }).published }));
  if (!lines.some(({ published }) => published !== '')) return 'timeless';
  const left = lines.filter(({ published }) => isVisible(published, limit));
  if (left.length === lines.length) return undefined;
  const lineEnd = Buffer.from('\n');
  return { bytes: Buffer.concat(left.flatMap(({ text }) => [text, lineEnd])), reason: describeHidden(lines.length - left.length, lines.length, limit) };
}

/** Lines that are not empty, with their numbers. */
function* linesOf(bytes: Buffer): Generator<{ readonly text: Buffer; readonly line: number }> {
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(lineFeed, start);
    const text = bytes.subarray(start, end < 0 ? bytes.length : end);
    start += text.length + 1;
    line += 1;
    if (line > maxLines) throw limitExceeded(`the index file has more than ${maxLines} lines`);
    if (text.length > 0) yield { text, line };
  }
}

function readRelease(document: unknown, { crate, line }: { crate: string; line: number }): IndexedRelease {
  if (!isRecord(document)) throw refusal(`line ${line} of the index file is not a JSON object`);
  const name = own(document, 'name');
  const version = own(document, 'vers');
  const checksum = own(document, 'cksum');
  if (typeof name !== 'string' || name.toLowerCase() !== crate) throw refusal(`line ${line} of the index file is not one of ${JSON.stringify(crate)}`);
  if (typeof version !== 'string' || !isCrateVersion(version)) throw refusal(`line ${line} of the index file has no valid version`);
  if (typeof checksum !== 'string' || !checksumPattern.test(checksum)) throw refusal(`line ${line} of the index file has no SHA-256 checksum`);
  return { version, checksum: checksum.toLowerCase(), yanked: own(document, 'yanked') === true, published: readPublicationTime(own(document, 'pubtime')) };
}
