import type { PinnedRepository } from '../../compose/compose-plan.js';
import { placesOf } from '../repository-places.js';
import { pinLookaside, pinRepositories } from './pin-repositories.js';
import { placeReasons, type SourceKind } from './source-kind.js';

export const repoKind: SourceKind = {
  missing: () => undefined,
  check: ({ source }) => (source.length === 0 ? ['source type repo needs a source: URLs or paths of RPM repositories'] : placeReasons(source)),
  async pin({ source }, request, options) {
    const sources = await pinRepositories(source, placesOf(request.source, request.arches), options);
    return { request, sources, lookaside: await pinLookaside(source, request, options), kojiEvent: revisionNumber(sources) };
  },
};

function revisionNumber(sources: readonly PinnedRepository[]): number | null {
  const revisions = sources.map(({ revision }) => revision).filter((revision) => /^[0-9]{1,15}$/.test(revision));
  return revisions.length === 0 ? null : Math.max(...revisions.map(Number));
}
