import type { ComposeRequest } from '../compose/compose-request.js';
import { sourceTypes, type ComposeResult, type SourceType } from '../compose/compose-vocabulary.js';
import { MillraceError } from '../errors/millrace-error.js';
import { placesOf } from './repository-places.js';
import { targetDirectory } from './compose-layout.js';
import { mostRepositories, placeReasons, type CheckOptions } from './sources/source-kind.js';
import { bootableHere, loraxSettings } from '../pungi/lorax.js';
import { sourceKinds } from './sources/source-kinds.js';
import { treeArches } from './sources/tree-arches.js';

/** Which tools a result needs; `ostree` is accepted and has no effect, as in ODCS. That of `boot.iso` is in the settings. */
const toolsOfResults: Readonly<Record<ComposeResult, string | undefined>> = { repository: undefined, iso: 'xorriso', ostree: undefined, 'boot.iso': undefined };

/** Refuses what cannot be made here, naming everything that stands in the way. Errors: `invalid-request`. */
export function checkRequest(request: ComposeRequest, options: CheckOptions): void {
  targetDirectory(options, request.targetDir);
  const reasons = [...sourceReasons(request, options), ...numberReasons(request), ...archReasons(request), ...resultReasons(request, options)];
  if (reasons.length > 0) throw new MillraceError('invalid-request', reasons.join('; '));
}

function sourceReasons(request: ComposeRequest, options: CheckOptions): string[] {
  const missing = sourceKinds[request.sourceType].missing(options);
  if (missing === undefined) return [...sourceKinds[request.sourceType].check(request, options), ...placeReasons(request.lookasideRepos)];
  const there = (Object.keys(sourceTypes) as SourceType[]).filter((type) => sourceKinds[type].missing(options) === undefined);
  return [`composes of source type ${request.sourceType} need ${missing}, which this service does not have; it has ${there.join(', ')}`];
}

function numberReasons({ source, lookasideRepos, arches }: ComposeRequest): string[] {
  const count = placesOf(source, arches).length + placesOf(lookasideRepos, arches).length;
  return count <= mostRepositories ? [] : [`source and lookaside_repos name ${count} repositories for these architectures; ${mostRepositories} are the most that one compose takes`];
}

function archReasons({ arches, multilibArches, sourceType }: ComposeRequest): string[] {
  const unknown = [...new Set([...arches, ...multilibArches])].filter((arch) => !treeArches.has(arch));
  // Of some sources it is they that say the architectures in the end, and then the next attempt asks with those.
  const strangers = sourceType === 'pulp' || sourceType === 'pungi_compose' ? [] : multilibArches.filter((arch) => !arches.includes(arch));
  return [
    ...(arches.length === 0 && sourceType !== 'pungi_compose' ? ['no architecture is asked for'] : []),
    ...(unknown.length === 0 ? [] : [`unknown architectures: ${unknown.join(', ')}`]),
    ...(strangers.length === 0 ? [] : [`multilib_arches has what arches has not: ${strangers.join(', ')}`]),
  ];
}

function resultReasons({ results, sourceType, arches }: ComposeRequest, { hasTool, pungiFile }: CheckOptions): string[] {
  // Pungi makes what its configuration says.
  if (sourceType === 'raw_config') return [];
  return results.flatMap((result) => {
    const tool = result === 'boot.iso' ? loraxSettings(pungiFile).program : toolsOfResults[result];
    if (tool !== undefined && !hasTool(tool)) return [`the result ${result} needs ${tool}, which is not installed where composes are made`];
    const strangers = result === 'boot.iso' ? arches.filter((arch) => !bootableHere(arch)) : [];
    return strangers.length === 0 ? [] : [`the result ${result} is made on machines of its architecture, which these here are not: ${strangers.join(', ')}`];
  });
}
