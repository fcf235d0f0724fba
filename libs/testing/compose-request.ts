import type { ComposeRequest } from '../compose/compose-request.js';

/** A request for everything of nothing, with what a spec changes. */
export function composeRequest(change: Partial<ComposeRequest> = {}): ComposeRequest {
  return {
    sourceType: 'repo',
    source: [],
    packages: [],
    builds: [],
    sigkeys: [],
    kojiEvent: null,
    modularKojiTags: [],
    moduleDefaults: null,
    modules: [],
    scratchModules: [],
    scratchBuildTasks: [],
    baseModule: { name: null, stream: null, streamVersionLte: null, streamVersionGte: null },
    flags: [],
    results: ['repository'],
    arches: ['x86_64'],
    multilibArches: [],
    multilibMethods: [],
    lookasideRepos: [],
    label: null,
    composeType: 'test',
    targetDir: 'default',
    parentPungiComposeIds: [],
    respinOf: null,
    secondsToLive: 86_400,
    pinnedPlan: null,
    ...change,
  };
}
