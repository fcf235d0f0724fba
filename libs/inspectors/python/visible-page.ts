import { isRecord, own } from '../../inspection/bounded-json.js';
import type { Replacement, VisibilityLimit } from '../../inspection/inspector.js';
import { describeHidden, isVisible, readPublicationTime } from '../declarations/publication-time.js';
import { parseWheelName, readSdistName } from './distribution-file.js';
import { normalisePythonVersion } from './python-version.js';

/**
 * A parsed JSON page (PEP 691) without the files that the limit hides, and without versions that have no file left. The same page and limit
 * always give the same bytes. Undefined when nothing is hidden; `'timeless'` when the page has files but no times: an HTML page (given as
 * undefined) never has.
 */
export function hideYoungFiles(page: unknown, limit: VisibilityLimit): Replacement | 'timeless' | undefined {
  if (!isRecord(page)) return 'timeless';
  const files = own(page, 'files');
  if (!Array.isArray(files) || files.length === 0) return undefined;
  if (!files.some((file: unknown) => uploadTime(file) !== '')) return 'timeless';
  const left = files.filter((file: unknown) => isVisible(uploadTime(file), limit));
  if (left.length === files.length) return undefined;
  const versions = own(page, 'versions');
  const released = new Set(left.flatMap(versionsOf));
  const visible = {
    ...page,
    files: left as unknown[],
    ...(Array.isArray(versions) ? { versions: versions.filter((version: unknown) => typeof version === 'string' && released.has(normalisePythonVersion(version))) } : {}),
  };
  return { bytes: Buffer.from(JSON.stringify(visible)), reason: describeHidden(files.length - left.length, files.length, limit, 'files') };
}

function uploadTime(file: unknown): string {
  return isRecord(file) ? readPublicationTime(own(file, 'upload-time')) : '';
}

/** In normal form; several when a source archive's name can be read in more ways. */
function versionsOf(file: unknown): readonly string[] {
  const name = isRecord(file) ? own(file, 'filename') : undefined;
  if (typeof name !== 'string') return [];
  const wheel = parseWheelName(name);
  const readings = wheel === undefined ? readSdistName(name) : [wheel];
  return readings.map(({ version }) => normalisePythonVersion(version));
}
