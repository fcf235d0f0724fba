import { maxSatisfying, rsort, valid } from 'semver';
import { isRecord, own } from '../../inspection/bounded-json.js';
import type { Replacement, VisibilityLimit } from '../../inspection/inspector.js';
import { describeHidden, isVisible, readPublicationTime } from '../declarations/publication-time.js';

/**
 * A package document without the versions that the limit hides: versions, their times, and tags. A tag of a hidden version moves to the
 * newest one below it that is left, as `npm install --before` does, and is left out when there is none. The same document and limit
 * always give the same bytes. Undefined when nothing is hidden; `'timeless'` when the document has no times to tell by.
 */
export function hideYoungVersions(document: unknown, limit: VisibilityLimit): Replacement | 'timeless' | undefined {
  const versions = isRecord(document) ? own(document, 'versions') : undefined;
  if (!isRecord(document) || !isRecord(versions)) return undefined;
  const all = Object.keys(versions);
  const time = own(document, 'time');
  if (!isRecord(time)) return all.length === 0 ? undefined : 'timeless';
  const left = new Set(all.filter((version) => isVisible(readPublicationTime(own(time, version)), limit)));
  if (left.size === all.length) return undefined;
  const tags = own(document, 'dist-tags');
  const visible = {
    ...document,
    versions: Object.fromEntries(Object.entries(versions).filter(([version]) => left.has(version))),
    time: visibleTimes(time, left, limit),
    'dist-tags': moveTags(isRecord(tags) ? tags : {}, left),
  };
  return { bytes: Buffer.from(JSON.stringify(visible)), reason: describeHidden(all.length - left.size, all.length, limit, 'versions') };
}

/** `created` stays, `modified` becomes the newest time that is left. */
function visibleTimes(time: Record<string, unknown>, left: ReadonlySet<string>, limit: VisibilityLimit): Record<string, unknown> {
  const entries = Object.entries(time).filter(([key]) => left.has(key));
  const newest = entries.map(([, value]) => readPublicationTime(value)).sort().at(-1);
  const created = readPublicationTime(own(time, 'created'));
  return {
    ...(isVisible(created, limit) ? { created } : {}),
    ...(newest === undefined ? {} : { modified: newest }),
    ...Object.fromEntries(entries),
  };
}

function moveTags(tags: Record<string, unknown>, left: ReadonlySet<string>): Record<string, unknown> {
  const versions = rsort([...left].filter((version) => valid(version) !== null));
  return Object.fromEntries(
    Object.entries(tags).flatMap(([tag, version]): [string, unknown][] => {
      if (typeof version !== 'string') return [];
      if (left.has(version)) return [[tag, version]];
      const below = valid(version) === null ? null : maxSatisfying(versions, `<=${version}`);
      return below === null ? [] : [[tag, below]];
    }),
  );
}
