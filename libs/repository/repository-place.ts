import { MillraceError } from '../errors/millrace-error.js';
import { repositoryNamePattern, type Repository } from './repository.js';

type Place = Repository['place'];

const storePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** No part begins with a dot: such folders are Millrace's own. */
const folderPattern = /^(?:[A-Za-z0-9_~+=@-][A-Za-z0-9._~+=@-]*(?:\/(?!$)|$))*$/;
const longestFolder = 500;

/** Errors: `invalid-request`. */
export function checkRepositoryName(name: string): void {
  if (repositoryNamePattern.test(name)) return;
  throw new MillraceError('invalid-request', `${JSON.stringify(name.slice(0, 140))} is not a name for repositories`, { suggestion: 'Use at most 128 of a-z, 0-9, ".", "_" and "-", the first a letter or digit.' });
}

/** Errors: `invalid-request`. */
export function checkPlace({ store, folder }: Place): void {
  if (!storePattern.test(store)) throw new MillraceError('invalid-request', `${JSON.stringify(store.slice(0, 140))} is not a name for stores`, { suggestion: 'Use default, or a name of the file of MILLRACE_REPOSITORY_STORES.' });
  if (folder.length > longestFolder || !folderPattern.test(folder)) {
    throw new MillraceError('invalid-request', `${JSON.stringify(folder.slice(0, 140))} is not a folder for repositories`, {
      suggestion: `Use at most ${longestFolder} letters, digits and ". _ ~ + = @ -", "/" between parts, none at the ends, and no part that begins with a dot.`,
    });
  }
}

/** True: objects of the one may be objects of the other. */
export function placesOverlap(one: Place, other: Place): boolean {
  return one.store === other.store && (isWithin(one.folder, other.folder) || isWithin(other.folder, one.folder));
}

function isWithin(folder: string, outer: string): boolean {
  return outer === '' || folder === outer || folder.startsWith(`${outer}/`);
}
