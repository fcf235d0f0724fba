import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InspectedBody, InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isGemName, isGemPlatform, isGemVersion } from './gem-id.js';

/** One line of `/info/<name>`. */
export interface IndexedGem {
  /** `version`, or `version-platform`. */
  readonly release: string;
  /** SHA-256 of the `.gem` in lower-case hex; empty when the index has none. */
  readonly checksum: string;
}

const maxReleases = 100_000;
const maxLine = 4 * 1024 * 1024;
const checksumPattern = /^[0-9a-fA-F]{64}$/;
const separator = '---';

/**
 * Releases of one gem by the compact index: after a line `---`, one `version[-platform] dependencies|requirements` a line, among the
 * requirements `checksum:<sha256>`. Throws the reason for a document that is none.
 */
export function readInfo(bytes: Buffer): readonly IndexedGem[] {
  const lines = decodeLines(bytes);
  const start = lines.indexOf(separator);
  if (start < 0) throw refusal('the info file has no line "---" before its releases');
  if (lines.length > maxReleases) throw limitExceeded(`the info file has more than ${maxReleases} lines`);
  const releases = new Map<string, IndexedGem>();
  for (const [index, line] of lines.entries()) {
    if (index <= start || line === '') continue;
    const gem = readRelease(line, index + 1);
    const same = releases.get(gem.release);
    if (same !== undefined && same.checksum !== gem.checksum) throw refusal(`the info file gives ${gem.release} two checksums`);
    releases.set(gem.release, gem);
  }
  return [...releases.values()];
}

function readRelease(line: string, number: number): IndexedGem {
  const space = line.indexOf(' ');
  const release = space < 0 ? line : line.slice(0, space);
  if (!isRelease(release)) throw refusal(`line ${number} of the info file has no valid version and platform`);
  const bar = line.indexOf('|');
  const requirements = bar < 0 ? [] : line.slice(bar + 1).split(',');
  const checksums = requirements.filter((requirement) => requirement.startsWith('checksum:')).map((requirement) => requirement.slice('checksum:'.length));
  const [checksum = ''] = checksums;
  if (checksums.length > 1 || (checksum !== '' && !checksumPattern.test(checksum))) throw refusal(`line ${number} of the info file has no SHA-256 checksum`);
  return { release, checksum: checksum.toLowerCase() };
}

function isRelease(text: string): boolean {
  const dash = text.indexOf('-');
  return dash < 0 ? isGemVersion(text) : isGemVersion(text.slice(0, dash)) && isGemPlatform(text.slice(dash + 1));
}

/** Checks `/versions` (`name versions md5` a line) or `/names` (a name a line) while it streams by. Returns the number of lines after `---`. */
export async function checkGemList(body: InspectedBody, context: InspectionContext, kind: 'versions' | 'names'): Promise<number> {
  let started = false;
  let count = 0;
  for await (const line of linesOf(body, context)) {
    if (!started) {
      started = line === separator;
      if (!started && !/^[a-z_]+: /.test(line)) throw refusal(`the ${kind} file has no line "---" at its start`);
    } else if (line !== '') {
      count += 1;
      if (!isListed(line, kind)) throw refusal(`entry ${count} of the ${kind} file is none of a gem`);
      if (count % 20_000 === 0) await nextTurn();
    }
  }
  if (!started) throw refusal(`the ${kind} file has no line "---"`);
  return count;
}

function isListed(line: string, kind: 'versions' | 'names'): boolean {
  if (kind === 'names') return isGemName(line);
  const [name = '', versions = '', digest = '', ...rest] = line.split(' ');
  // A version with a dash before it was taken back.
  return rest.length === 0 && isGemName(name) && /^[0-9a-f]{32}$/.test(digest) && versions.split(',').every((version) => isRelease(version.replace(/^-/, '')));
}

async function* linesOf(body: InspectedBody, context: InspectionContext): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of body.open() as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    const lines = (rest + decode(() => decoder.decode(chunk, { stream: true }))).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLine) throw limitExceeded(`the index has a line of more than ${maxLine} characters`);
    yield* lines;
  }
  yield rest + decode(() => decoder.decode());
}

function decodeLines(bytes: Buffer): string[] {
  return decode(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).split('\n');
}

function decode(work: () => string): string {
  try {
    return work();
  } catch (cause) {
    throw refusal('the index is not valid UTF-8', cause);
  }
}
