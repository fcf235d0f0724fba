import { compareBuild, valid } from 'semver';
import type { InspectionContext, Replacement, VisibilityLimit } from '../../inspection/inspector.js';
import { describeHidden, isVisible, readPublicationTime } from '../declarations/publication-time.js';
import { isCanonicalVersion } from './module-version.js';
import { findTime } from './release-time.js';

interface ListedModule {
  readonly limit: VisibilityLimit;
  readonly module: string;
  /** URL of the proxy, without `/` at its end. */
  readonly proxy: string;
  readonly context: InspectionContext;
}

/** Versions whose time is asked for, the newest first: each is a request. */
const maxAsked = 200;
const atOnce = 8;

/**
 * A list of versions without those that the limit hides; lines keep their order and their form, so that the same list, times and limit always
 * give the same bytes. Times stand in the list (proxies of old) or are asked for one by one (`.info`). A version whose time nobody tells, or that
 * comes after the 200th, is hidden as well: `go get module@version` still gets it. Undefined when nothing is hidden.
 */
export async function hideYoungLines(lines: readonly string[], listed: ListedModule): Promise<Replacement | undefined> {
  const versions = lines.map((line) => ({ line, version: line.split(/\s/, 1)[0] as string, told: readPublicationTime(line.split(/\s+/, 2)[1]) }));
  const asked = versions
    .filter(({ version, told }) => told === '' && isCanonicalVersion(version))
    .sort((one, other) => compareVersions(other.version, one.version))
    .slice(0, maxAsked);
  const times = await askTimes(asked.map(({ version }) => version), listed);
  const left = versions.filter(({ version, told }) => isVisible(told === '' ? (times.get(version) ?? '') : told, listed.limit));
  if (left.length === versions.length) return undefined;
  const unknown = versions.filter(({ version, told }) => told === '' && (times.get(version) ?? '') === '').length;
  const because = unknown === 0 ? '' : `, ${unknown} of them because their time is not known (at most ${maxAsked} are asked for)`;
  return { bytes: Buffer.from(left.map(({ line }) => `${line}\n`).join('')), reason: describeHidden(versions.length - left.length, versions.length, listed.limit, 'versions') + because };
}

async function askTimes(versions: readonly string[], { module, proxy, context }: ListedModule): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  for (let start = 0; start < versions.length; start += atOnce) {
    context.signal?.throwIfAborted();
    const together = versions.slice(start, start + atOnce);
    const found = await Promise.all(together.map((version) => findTime({ module, version, proxy }, context)));
    for (const [at, version] of together.entries()) times.set(version, found[at] as string);
  }
  return times;
}

/** Some versions that lists hold have more digits than semver can count; these are the oldest. */
function compareVersions(one: string, other: string): number {
  const [first, second] = [valid(one), valid(other)];
  if (first === null || second === null) return Number(first !== null) - Number(second !== null);
  return compareBuild(first, second);
}
