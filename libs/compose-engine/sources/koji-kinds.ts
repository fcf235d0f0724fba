import type { ComposeRequest } from '../../compose/compose-request.js';
import { kojiReasons } from './koji-reasons.js';
import { taggedModuleReasons } from './module-reasons.js';
import { pinKoji } from './pin-koji.js';
import type { CheckOptions, SourceKind } from './source-kind.js';

export const tagKind: SourceKind = ofKoji((request, options) => [...(request.source.length === 1 ? [] : ['source type tag takes the name of one Koji tag']), ...taggedModuleReasons(request, options)]);

export const buildKind: SourceKind = ofKoji(({ source, builds, scratchBuildTasks, modularKojiTags, scratchModules, modules }) => [
  ...([modularKojiTags, scratchModules, modules].some((list) => list.length > 0) ? ['modules are for the source types tag and module'] : []),
  ...(source.length > 0 ? ['source type build takes an empty source: builds has their names'] : []),
  ...(builds.length + scratchBuildTasks.length === 0 ? ['source type build needs builds: name-version-release of each'] : []),
]);

function ofKoji(check: (request: ComposeRequest, options: CheckOptions) => string[]): SourceKind {
  return {
    missing: ({ koji }) => (koji === undefined ? 'a connection to a Koji hub (MILLRACE_KOJI_HUB)' : undefined),
    check: (request, options) => [...check(request, options), ...kojiReasons(request)],
    pin: pinKoji,
  };
}
