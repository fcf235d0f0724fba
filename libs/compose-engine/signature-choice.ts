import { MillraceError } from '../errors/millrace-error.js';
import { isSameKey } from '../rpm/package/key-ids.js';
import type { FetchedPackage } from './fetched-package.js';
import type { GenerationContext } from './generation-context.js';
import { listed } from './listed.js';

/**
 * The first of the wanted keys that any file is signed with, then the first file that has it. An empty key stands for unsigned files. Which keys exist is
 * told by the packages' own headers; that their signatures are genuine is for those to check who have the keys.
 */
export function chooseSigned(candidates: readonly FetchedPackage[], sigkeys: readonly string[]): FetchedPackage | undefined {
  for (const sigkey of sigkeys) {
    for (const candidate of candidates) {
      if (sigkey === '' && candidate.keyIds.length === 0) return withKey(candidate, '');
      const key = sigkey === '' ? undefined : candidate.keyIds.find((keyId) => isSameKey(keyId, sigkey));
      if (key !== undefined) return withKey(candidate, key);
    }
  }
  return undefined;
}

function withKey(candidate: FetchedPackage, sigkey: string): FetchedPackage {
  return { ...candidate, planned: { ...candidate.planned, sigkey } };
}

/** `refused`: file name to the keys that its files are signed with. Errors: `unresolvable`, naming them all. */
export function refuseUnsigned(context: Pick<GenerationContext, 'log'>, refused: ReadonlyMap<string, readonly string[]>, sigkeys: readonly string[]): void {
  if (refused.size === 0) return;
  const lines = [...refused].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, keys]) => `${name} (${keys.length === 0 ? 'unsigned' : `signed with ${keys.map((key) => key.toLowerCase()).join(', ')}`})`);
  for (const line of lines) context.log.error(`not signed as asked for: ${line}`);
  const wanted = sigkeys.map((key) => (key === '' ? 'unsigned' : key)).join(', ');
  throw new MillraceError('unresolvable', `packages have none of the wanted signatures (${wanted}): ${listed(lines)}`, { suggestion: 'Add their keys to sigkeys, or an empty one to allow unsigned packages.' });
}
