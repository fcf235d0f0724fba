import { treeOf, type Compose } from './compose.js';
import { composeFlags, composeResults, composeStates, multilibMethods, sourceTypes } from './compose-vocabulary.js';

export interface ComposeJsonOptions {
  /** Public URL of the default target directory, without a slash at its end. */
  readonly composeUrl: string;
  /** As `GET` of one compose answers it: with `pungi_config_dump`. */
  readonly full?: boolean;
  /** JSON of the whole configuration, of composes of Pungi that keep it; for the full form. */
  readonly pungiConfigDump?: string | null;
}

/** The object that clients of ODCS read: names, shapes and numbers of ../shared/reference/odcs.md, section 1. */
export function composeJson(compose: Compose, options: ComposeJsonOptions): Readonly<Record<string, unknown>> {
  return {
    id: compose.id,
    owner: compose.owner,
    ...stateJson(compose),
    ...addressJson(compose, options),
    ...requestJson(compose),
    koji_event: compose.kojiEvent,
    koji_task_id: null,
    pungi_compose_id: compose.pungiComposeId,
    ...(options.full === true ? { pungi_config_dump: options.pungiConfigDump ?? null } : {}),
  };
}

function stateJson(compose: Compose): object {
  return {
    state: composeStates[compose.state],
    state_name: compose.state,
    state_reason: compose.stateReason,
    time_to_expire: seconds(compose.expiresAt),
    time_submitted: seconds(compose.submittedAt),
    time_started: seconds(compose.startedAt),
    time_done: seconds(compose.doneAt),
    time_removed: seconds(compose.removedAt),
    removed_by: compose.removedBy,
  };
}

/** Target directories other than the default one have no public URL. */
function addressJson(compose: Compose, { composeUrl }: ComposeJsonOptions): object {
  const { sourceType, targetDir } = compose.request;
  if (targetDir !== 'default') return { result_repo: '', result_repofile: '', toplevel_url: '' };
  const name = `odcs-${treeOf(compose)}`;
  const top = `${composeUrl}/${name}`;
  const repository = sourceType === 'raw_config' ? '' : `${top}/compose/Temporary`;
  return { result_repo: repository, result_repofile: repository === '' ? '' : `${repository}/${name}.repo`, toplevel_url: top };
}

/** What was asked for, in the same words. */
export function requestJson({ request }: Pick<Compose, 'request'>): object {
  return {
    source_type: sourceTypes[request.sourceType],
    source: request.source.join(' '),
    flags: inOrder(composeFlags, request.flags),
    results: inOrder(composeResults, request.results),
    // Not trimmed: an empty key at the end, which allows unsigned packages, is a space there.
    sigkeys: request.sigkeys.join(' '),
    packages: listOrNull(request.packages),
    builds: listOrNull(request.builds),
    arches: request.arches.join(' '),
    multilib_arches: request.multilibArches.join(' '),
    multilib_method: request.multilibMethods.reduce((mask, method) => mask | multilibMethods[method], 0),
    lookaside_repos: request.lookasideRepos.join(' '),
    modular_koji_tags: listOrNull(request.modularKojiTags),
    module_defaults_url: request.moduleDefaults === null ? null : `${request.moduleDefaults.url} ${request.moduleDefaults.commit}`,
    label: request.label,
    compose_type: request.composeType,
    target_dir: request.targetDir,
    scratch_modules: listOrNull(request.scratchModules),
    parent_pungi_compose_ids: listOrNull(request.parentPungiComposeIds),
    scratch_build_tasks: listOrNull(request.scratchBuildTasks),
    modules: listOrNull(request.modules),
    respin_of: request.respinOf,
    base_module_br_name: request.baseModule.name,
    base_module_br_stream: request.baseModule.stream,
    base_module_br_stream_version_lte: request.baseModule.streamVersionLte,
    base_module_br_stream_version_gte: request.baseModule.streamVersionGte,
  };
}

function inOrder(vocabulary: Readonly<Record<string, number>>, names: readonly string[]): string[] {
  return Object.keys(vocabulary).filter((name) => vocabulary[name] !== 0 && names.includes(name));
}

function listOrNull(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.join(' ');
}

/** Clients parse the time with a pattern that has no place for milliseconds. */
function seconds(instant: string | null): string | null {
  return instant === null ? null : `${new Date(instant).toISOString().slice(0, 19)}Z`;
}
