import type { PinnedRepository } from '../../compose/compose-plan.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { isMissingFile } from '../../repository-source/download.js';
import type { RepositorySource, SourceOptions } from '../../repository-source/repository-source.js';
import { forEachAtOnce } from '../for-each-at-once.js';
import { placesOf, type RepositoryPlace } from '../repository-places.js';
import { mostRepositories } from './source-kind.js';

/** Requests for `repomd.xml` at once. */
const atOnce = 32;

/** What every kind has besides its own source. */
export function pinLookaside(source: RepositorySource, request: ComposeRequest, options: SourceOptions): Promise<PinnedRepository[]> {
  return pinRepositories(source, placesOf(request.lookasideRepos, request.arches), options);
}

/** In the order of the places; without those that may be missing and are. */
export async function pinRepositories(source: RepositorySource, places: readonly RepositoryPlace[], options: SourceOptions): Promise<PinnedRepository[]> {
  if (places.length > mostRepositories) throw new MillraceError('source-invalid', `the compose is made of ${places.length} repositories; ${mostRepositories} are the most that one compose takes`);
  const pinned = new Map<RepositoryPlace, PinnedRepository>();
  await forEachAtOnce(places, atOnce, async (place) => {
    const { url, arches, optional } = place;
    try {
      pinned.set(place, { url, arches: [...arches].sort(), ...(await source.pin(url, options)) });
    } catch (error) {
      if (optional !== true || !isMillraceError(error) || !isMissingFile(error.cause)) throw error;
    }
  });
  return places.flatMap((place) => pinned.get(place) ?? []);
}
