import type { ModuleBuild } from './module-build.js';
import { baseModules, moduleName, streamName } from './module-name.js';

/** Two streams of one module, and who led to each. */
export interface ModuleConflict {
  readonly name: string;
  readonly chains: readonly [readonly string[], readonly string[]];
}

interface Need {
  readonly name: string;
  readonly stream: string;
  readonly chain: readonly string[];
}

/** Steps of the search; beyond them a build passes, and whoever installs it will see. A step with very many needs before it counts as several, because it copies them. */
const mostSteps = 3000;
const needsOfStep = 100;

/**
 * Whether a machine can have a build with all that it requires: one stream of each module, in any of its contexts. Answers what stood in the way of the first choice when
 * none is possible. A compose may well have several streams of a module, for different machines.
 */
export function findConflict(root: ModuleBuild, streams: ReadonlyMap<string, readonly ModuleBuild[]>): ModuleConflict | undefined {
  let steps = 0;
  let first: ModuleConflict | undefined;

  /** `chosen` by module name. Tries one context after the other. */
  function settle(needs: readonly Need[], chosen: ReadonlyMap<string, Need>): boolean {
    steps += 1 + needs.length / needsOfStep;
    const [need, ...rest] = needs;
    if (need === undefined || steps > mostSteps) return true;
    const there = chosen.get(need.name);
    if (there !== undefined && there.stream !== need.stream) {
      first ??= { name: need.name, chains: [there.chain, need.chain] };
      return false;
    }
    if (there !== undefined || baseModules.has(need.name)) return settle(rest, chosen);
    const builds = streams.get(streamName(need)) ?? [];
    const next = new Map(chosen).set(need.name, need);
    return builds.length === 0 ? settle(rest, next) : builds.some((build) => settle([...needsOf(build, need.chain), ...rest], next));
  }

  const self: Need = { name: root.name, stream: root.stream, chain: [moduleName(root)] };
  return settle(needsOf(root, []), new Map([[root.name, self]])) ? undefined : first;
}

function needsOf(build: ModuleBuild, chain: readonly string[]): Need[] {
  const before = [...chain.slice(0, -1), moduleName(build)];
  return build.requires.map((need) => ({ ...need, chain: [...before, streamName(need)] }));
}
