import type { ComposeRequest } from '../compose-request.js';
import { composeFlags, composeResults, multilibMethods, sourceTypes } from '../compose-vocabulary.js';
import type { SourceType } from '../compose-vocabulary.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Settings } from '../../settings/settings.js';
import { checkFields } from './check-fields.js';
import type { Fields } from './check-fields.js';
import { listOf, namesOf, numberOf, secondsToLiveOf, sigkeysOf, textOf } from './field-values.js';

export interface ComposeDefaults extends Pick<Settings, 'composeArches' | 'composeSigkeys' | 'composeSecondsToLive' | 'composeMaximumSecondsToLive' | 'composeTargetDirs'> {
  /** Where a source has limits of its own. */
  readonly livesOf?: (asked: Pick<ComposeRequest, 'sourceType' | 'source'>) => TimeToLive;
}

export interface TimeToLive {
  /** Seconds, of requests that say nothing. */
  readonly secondsToLive: number;
  readonly maximumSecondsToLive: number;
}

/** The body of `POST /api/1/composes/`, with every default settled. Unknown fields, and known ones in the wrong place, have no effect, as in ODCS. Errors: `invalid-request`, which names the field. */
export function readNewCompose(body: unknown, defaults: ComposeDefaults): ComposeRequest {
  const fields = checkFields(body);
  const source = sourceFields(fields);
  const arches = listOf(fields, 'arches');
  const settled = arches.length === 0 ? defaults.composeArches : arches;
  const asked = readSource(source);
  const { secondsToLive, maximumSecondsToLive } = defaults.livesOf?.(asked) ?? { secondsToLive: defaults.composeSecondsToLive, maximumSecondsToLive: defaults.composeMaximumSecondsToLive };
  return {
    ...asked,
    packages: listOf(source, 'packages'),
    builds: listOf(source, 'builds'),
    sigkeys: sigkeysOf(source) ?? defaults.composeSigkeys,
    kojiEvent: numberOf(source, 'koji_event'),
    modularKojiTags: listOf(source, 'modular_koji_tags'),
    moduleDefaults: readModuleDefaults(source),
    modules: listOf(source, 'modules'),
    scratchModules: listOf(source, 'scratch_modules'),
    scratchBuildTasks: listOf(source, 'scratch_build_tasks'),
    baseModule: {
      name: textOf(source, 'base_module_br_name'),
      stream: textOf(source, 'base_module_br_stream'),
      streamVersionLte: numberOf(source, 'base_module_br_stream_version_lte'),
      streamVersionGte: numberOf(source, 'base_module_br_stream_version_gte'),
    },
    flags: namesOf(fields, 'flags', composeFlags, 'flag').filter((flag) => flag !== 'no_flags'),
    results: [...new Set(['repository' as const, ...namesOf(fields, 'results', composeResults, 'result')])],
    arches: settled,
    // Others have no effect in ODCS either.
    multilibArches: listOf(fields, 'multilib_arches').filter((arch) => settled.includes(arch)),
    multilibMethods: namesOf(fields, 'multilib_method', multilibMethods, 'multilib method').filter((method) => method !== 'none'),
    lookasideRepos: listOf(fields, 'lookaside_repos'),
    label: textOf(fields, 'label'),
    composeType: textOf(fields, 'compose_type') ?? 'test',
    targetDir: readTargetDir(fields, defaults.composeTargetDirs),
    parentPungiComposeIds: listOf(fields, 'parent_pungi_compose_ids'),
    respinOf: textOf(fields, 'respin_of'),
    secondsToLive: secondsToLiveOf(fields, maximumSecondsToLive) ?? secondsToLive,
    pinnedPlan: null,
  };
}

function sourceFields(fields: Fields): Fields {
  const source = fields['source'] as Fields | undefined;
  if (source === undefined) throw new MillraceError('invalid-request', 'source is missing', { suggestion: 'Send {"source": {"type": "repo", "source": "<URL>"}}, at least.' });
  return source;
}

function readSource(fields: Fields): Pick<ComposeRequest, 'sourceType' | 'source'> {
  const type = fields['type'] as string | undefined;
  if (type === undefined) throw new MillraceError('invalid-request', 'source.type is missing', { suggestion: `It may be: ${Object.keys(sourceTypes).join(', ')}.` });
  if (!Object.hasOwn(sourceTypes, type)) throw new MillraceError('invalid-request', `Unknown source type "${type}"`, { suggestion: `It may be: ${Object.keys(sourceTypes).join(', ')}.` });
  const sourceType = type as SourceType;
  const source = [...new Set(((fields['source'] as string | undefined) ?? '').split(/\s+/).filter((item) => item !== ''))];
  const mayBeEmpty = sourceType === 'build' || (sourceType === 'module' && listOf(fields, 'scratch_modules').length > 0);
  if (source.length === 0 && !mayBeEmpty) throw new MillraceError('invalid-request', `No source provided for ${sourceType}`, { suggestion: 'source.source names it.' });
  if (sourceType === 'module') checkModules(source);
  if (sourceType === 'raw_config') checkRawConfig(source);
  return { sourceType, source };
}

function checkModules(source: readonly string[]): void {
  const wrong = source.find((module) => !/^[^:]+:[^:]/.test(module));
  if (wrong !== undefined) throw new MillraceError('invalid-request', `Module definition must be in "n:s", "n:s:v" or "n:s:v:c" format, but got ${wrong}`);
}

function checkRawConfig(source: readonly string[]): void {
  if (source.length > 1) throw new MillraceError('invalid-request', 'Only single source is allowed for "raw_config" source_type');
  if (!/^[^#]+#[^#]+$/.test(source[0] ?? '')) throw new MillraceError('invalid-request', 'Source must be in "source_name#commit_hash" format for "raw_config" source_type.');
}

function readModuleDefaults(fields: Fields): ComposeRequest['moduleDefaults'] {
  const [url, commit] = [textOf(fields, 'module_defaults_url'), textOf(fields, 'module_defaults_commit')];
  if (url !== null && commit !== null) return { url, commit };
  if (url === null && commit === null) return null;
  throw new MillraceError('invalid-request', 'The "module_defaults_url" and "module_defaults_commit" must be used together.');
}

function readTargetDir(fields: Fields, configured: Readonly<Record<string, string>>): string {
  const name = textOf(fields, 'target_dir') ?? 'default';
  if (name === 'default' || Object.hasOwn(configured, name)) return name;
  throw new MillraceError('invalid-request', `Unknown "target_dir" "${name}"`, { suggestion: `This service has: ${['default', ...Object.keys(configured)].join(', ')}.` });
}
