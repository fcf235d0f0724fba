import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InspectionContext } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isGemName, isGemVersion } from './gem-id.js';
import { versionOf } from './gemspec-document.js';
import { MarshalReader, type MarshalValue } from './marshal-reader.js';

const maxReleases = 10_000_000;

/** Checks `specs.4.8` (uncompressed): an array of `[name, version, platform]`. Returns how many; the values are not kept. */
export async function checkSpecsIndex(bytes: Buffer, context: InspectionContext): Promise<number> {
  const reader = new MarshalReader(bytes, { depth: 8, values: Number.MAX_SAFE_INTEGER, keepsLinks: false });
  const count = reader.readArrayStart();
  if (count > maxReleases) throw limitExceeded(`the index has more than ${maxReleases} releases`);
  for (let index = 0; index < count; index += 1) {
    checkTuple(reader.readValue(1), index);
    if (index % 10_000 !== 0) continue;
    await nextTurn();
    context.signal?.throwIfAborted();
  }
  reader.expectEnd();
  return count;
}

/** What is a link to an earlier value (null here) was checked where it stood first. */
function checkTuple(tuple: MarshalValue, index: number): void {
  const [name, version, platform, ...rest] = Array.isArray(tuple) ? (tuple as readonly MarshalValue[]) : [];
  const number = version === null ? '0' : versionOf(version);
  const named = name === null || (typeof name === 'string' && isGemName(name));
  if (!named || number === undefined || !isGemVersion(number) || (platform !== null && typeof platform !== 'string') || rest.length > 0)
    throw refusal(`release ${index + 1} of the index is not a name, a version and a platform`);
}

/** Checks the answer of the dependency API: an array of hashes with the keys name, number, platform and dependencies. Returns how many. */
export function checkDependencies(bytes: Buffer): number {
  const answer = new MarshalReader(bytes, { depth: 16, values: 1_000_000, keepsLinks: true }).readDocument();
  if (!Array.isArray(answer)) throw refusal('the answer of the dependency API is not an array');
  for (const release of answer as readonly MarshalValue[]) {
    if (typeof release !== 'object' || release === null || !('pairs' in release)) throw refusal('the answer of the dependency API has something that is not a release');
    const fields = new Map(release.pairs.map(([key, value]) => [typeof key === 'object' && key !== null && 'symbol' in key ? key.symbol : '', value]));
    const name = fields.get('name');
    const number = fields.get('number');
    if (typeof name !== 'string' || !isGemName(name) || typeof number !== 'string' || !isGemVersion(number))
      throw refusal('the answer of the dependency API has a release without a name and a number');
  }
  return answer.length;
}
