import type { ComposeRequest } from '../../compose/compose-request.js';
import { composeFlags, composeResults } from '../../compose/compose-vocabulary.js';
import type { AllowedAttributes, ComposeAttribute } from './authorization-schema.js';

/** What a request has of each attribute that can be restricted, as far as it may be refused for it. */
export function attributesOf(request: ComposeRequest): Readonly<Record<ComposeAttribute, readonly string[]>> {
  return {
    source_types: [request.sourceType],
    // ODCS splits the text that joins them, and of no text that is one empty item.
    sources: request.source.length === 0 ? [''] : request.source,
    flags: request.flags,
    // Every compose has it, so it is no reason to refuse one.
    results: request.results.filter((result) => result !== 'repository'),
    arches: request.arches,
    compose_types: [request.composeType],
    target_dirs: request.targetDir === 'default' ? [] : [request.targetDir],
    raw_config_keys: request.sourceType === 'raw_config' ? request.source.map((source) => source.split('#')[0] ?? '') : [],
    multilib_arches: request.multilibArches,
    lookaside_repos: request.lookasideRepos,
    builds: request.builds,
    modular_koji_tags: request.modularKojiTags,
    scratch_modules: request.scratchModules,
    scratch_build_tasks: request.scratchBuildTasks,
  };
}

const anything = [''];

/** As ODCS has them where its configuration says nothing; what it cannot restrict is unrestricted. */
const withoutSettings: Readonly<Record<ComposeAttribute, readonly string[]>> = {
  source_types: ['tag', 'module', 'build'],
  sources: anything,
  flags: Object.keys(composeFlags),
  results: Object.keys(composeResults),
  arches: ['x86_64'],
  compose_types: anything,
  target_dirs: [],
  raw_config_keys: anything,
  multilib_arches: anything,
  lookaside_repos: anything,
  builds: anything,
  modular_koji_tags: anything,
  scratch_modules: anything,
  scratch_build_tasks: anything,
};

/** What a client's entry lists of an attribute; where it does not say, what is allowed to all clients. */
export function allowedValues(attribute: ComposeAttribute, entry: AllowedAttributes, everybody: AllowedAttributes): readonly string[] {
  return entry[attribute] ?? everybody[attribute] ?? withoutSettings[attribute];
}

export function allows(allowed: readonly string[], value: string): boolean {
  return allowed.includes(value) || (allowed.length === 1 && allowed[0] === '');
}
