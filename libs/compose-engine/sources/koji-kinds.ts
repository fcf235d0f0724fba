import type { ComposeRequest } from '../../compose/compose-request.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { KojiSource } from '../../koji/koji-source.js';
import { pinLookaside } from './pin-repositories.js';
import { scratchReasons } from './scratch-reasons.js';
import { mostBuilds, type SourceKind } from './source-kind.js';

export const tagKind: SourceKind = ofKoji(({ source }) => (source.length === 1 ? [] : ['source type tag takes the name of one Koji tag']));

export const buildKind: SourceKind = ofKoji(({ source, builds, scratchBuildTasks }) => [
  ...(source.length > 0 ? ['source type build takes an empty source: builds has their names'] : []),
  ...(builds.length + scratchBuildTasks.length === 0 ? ['source type build needs builds: name-version-release of each'] : []),
]);

/** The hub of this process. Errors: `invalid-setting`. */
export function hubOf(koji: KojiSource | undefined): KojiSource {
  if (koji !== undefined) return koji;
  throw new MillraceError('invalid-setting', 'this compose has packages of a Koji hub, and this worker knows no hub', { suggestion: 'Set MILLRACE_KOJI_HUB on every gateway and worker alike.' });
}

/** What all types with packages of a hub have in common. */
export function kojiReasons({ builds, scratchBuildTasks, modularKojiTags }: ComposeRequest): string[] {
  const reasons = builds.length > mostBuilds ? [`builds names ${builds.length} builds; ${mostBuilds} are the most that one compose takes`] : [];
  reasons.push(...scratchReasons(scratchBuildTasks));
  if (modularKojiTags.length > 0) reasons.push('modular_koji_tags are not supported by this service yet');
  return reasons;
}

function ofKoji(check: (request: ComposeRequest) => string[]): SourceKind {
  return {
    missing: ({ koji }) => (koji === undefined ? 'a connection to a Koji hub (MILLRACE_KOJI_HUB)' : undefined),
    check: (request) => [...check(request), ...kojiReasons(request)],
    async pin({ source, koji }, request, options) {
      const pinned = await hubOf(koji).pin(request, options);
      return { request, sources: [], lookaside: await pinLookaside(source, request, options), koji: pinned, kojiEvent: pinned.event };
    },
  };
}
