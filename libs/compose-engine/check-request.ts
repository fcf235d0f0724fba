import type { ComposeRequest } from '../compose/compose-request.js';
import type { ComposeResult, SourceType } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';
import { placesOf } from './repository-places.js';
import { targetDirectory, type ComposePlaces } from './compose-layout.js';

/** What this service makes composes of; undefined: it does. Tags and builds only where a hub is configured. The one place where that is decided. */
const unsupportedSources: Readonly<Record<SourceType, string | undefined>> = {
  repo: undefined,
  pungi_compose: undefined,
  tag: undefined,
  build: undefined,
  module: 'a connection to a module build service',
  pulp: 'a connection to a Pulp server',
  raw_config: 'configurations of Pungi',
};

/** Which tools a result needs; `ostree` is accepted and has no effect, as in ODCS. */
const toolsOfResults: Readonly<Record<ComposeResult, string | undefined>> = { repository: undefined, iso: 'xorriso', ostree: undefined, 'boot.iso': 'lorax' };

/** Architectures of trees, as rpm names them. */
const treeArches: ReadonlySet<string> = new Set([
  ...['x86_64', 'i386', 'i486', 'i586', 'i686', 'aarch64', 'armhfp', 'armv7hl', 'armv7hnl', 'armv7l', 'ppc', 'ppc64', 'ppc64le', 's390', 's390x'],
  ...['riscv64', 'loongarch64', 'mips64el', 'mipsel', 'ia64', 'sparc64', 'alpha'],
]);

export interface CheckOptions extends ComposePlaces {
  /** Undefined: no hub is configured. */
  readonly koji: object | undefined;
  readonly hasTool: (name: string) => boolean;
}

/** Refuses what cannot be made here, naming everything that stands in the way. Errors: `invalid-request`. */
export function checkRequest(request: ComposeRequest, options: CheckOptions): void {
  targetDirectory(options, request.targetDir);
  const reasons = [...sourceReasons(request, options), ...numberReasons(request), ...archReasons(request), ...resultReasons(request, options)];
  if (reasons.length > 0) throw new MillraceError('invalid-request', reasons.join('; '));
}

function sourceReasons(request: ComposeRequest, { koji }: CheckOptions): string[] {
  const { sourceType, source } = request;
  const ofKoji = sourceType === 'tag' || sourceType === 'build';
  const missing = ofKoji && koji === undefined ? 'a connection to a Koji hub (MILLRACE_KOJI_HUB)' : unsupportedSources[sourceType];
  if (missing !== undefined) return [`composes of source type ${sourceType} need ${missing}, which this service does not have yet; it has repo${koji === undefined ? '' : ', tag, build'} and pungi_compose`];
  if (ofKoji) return kojiReasons(request);
  const reasons = source.length === 0 ? [`source type ${sourceType} needs a source: ${sourceType === 'repo' ? 'URLs or paths of RPM repositories' : 'the URL of a variant in a Pungi compose'}`] : [];
  if (sourceType === 'pungi_compose' && source.length > 1) reasons.push('source type pungi_compose takes one URL');
  if (sourceType === 'pungi_compose' && source[0] !== undefined && variantOf(source[0]) === '') reasons.push(`${source[0]} does not end with the name of a variant`);
  for (const place of [...source, ...request.lookasideRepos]) if (!isPlace(place)) reasons.push(`${place} is neither an http(s) or file URL nor an absolute path`);
  return reasons;
}

function kojiReasons({ sourceType, source, builds, scratchBuildTasks, modularKojiTags, lookasideRepos }: ComposeRequest): string[] {
  const reasons = lookasideRepos.filter((place) => !isPlace(place)).map((place) => `${place} is neither an http(s) or file URL nor an absolute path`);
  if (sourceType === 'tag' && source.length !== 1) reasons.push('source type tag takes the name of one Koji tag');
  if (sourceType === 'build' && source.length > 0) reasons.push('source type build takes an empty source: builds has their names');
  if (sourceType === 'build' && builds.length === 0) reasons.push('source type build needs builds: name-version-release of each');
  if (builds.length > mostBuilds) reasons.push(`builds names ${builds.length} builds; ${mostBuilds} are the most that one compose takes`);
  if (scratchBuildTasks.length > 0) reasons.push('scratch_build_tasks are not supported by this service yet');
  if (modularKojiTags.length > 0) reasons.push('modular_koji_tags are not supported by this service yet');
  return reasons;
}

/** Each is asked for by a call of its own. */
const mostBuilds = 5000;

/** One small request could else have this service ask others a hundred thousand times. */
export const mostRepositories = 1000;

function numberReasons({ source, lookasideRepos, arches }: ComposeRequest): string[] {
  const count = placesOf(source, arches).length + placesOf(lookasideRepos, arches).length;
  return count <= mostRepositories ? [] : [`source and lookaside_repos name ${count} repositories for these architectures; ${mostRepositories} are the most that one compose takes`];
}

/** The last part of the path. */
export function variantOf(place: string): string {
  return /([^/]*)\/*$/.exec(place.replace(/[?#].*$/, ''))?.[1] ?? '';
}

function isPlace(place: string): boolean {
  return place.startsWith('/') || /^(https?|file):$/.test(URL.parse(place)?.protocol ?? '');
}

function archReasons({ arches, multilibArches, sourceType }: ComposeRequest): string[] {
  const unknown = [...new Set([...arches, ...multilibArches])].filter((arch) => !treeArches.has(arch));
  const strangers = multilibArches.filter((arch) => !arches.includes(arch));
  return [
    ...(arches.length === 0 && sourceType !== 'pungi_compose' ? ['no architecture is asked for'] : []),
    ...(unknown.length === 0 ? [] : [`unknown architectures: ${unknown.join(', ')}`]),
    ...(strangers.length === 0 ? [] : [`multilib_arches has what arches has not: ${strangers.join(', ')}`]),
  ];
}

function resultReasons({ results }: ComposeRequest, { hasTool }: CheckOptions): string[] {
  return results.flatMap((result) => {
    const tool = toolsOfResults[result];
    if (tool === undefined || (result !== 'boot.iso' && hasTool(tool))) return [];
    return [`the result ${result} needs ${tool}, which ${result === 'boot.iso' ? 'this service does not run' : 'is not installed where composes are made'}`];
  });
}
