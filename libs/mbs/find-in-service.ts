import type { ComposeRequest } from '../compose/compose-request.js';
import type { SourceOptions } from '../repository-source/repository-source.js';
import type { BaseModule, ModuleBuildService } from './module-build-service.js';
import type { BaseStream, ModuleBuild } from './module-build.js';
import type { FindModules } from './resolve-modules.js';

const develEnd = '-devel';

/**
 * How a request looks for modules in the service. What is named to its context is taken when it is only done; what others require is taken as new as their own base
 * module allows. `name-devel` is in Koji only: what the service knows of `name` stands for it. Errors: those of `ModuleBuildService`.
 */
export function findInService(service: ModuleBuildService, { baseModule, flags }: Pick<ComposeRequest, 'baseModule' | 'flags'>, options: SourceOptions): FindModules {
  return async (need, requiredBy) => {
    const includeDone = requiredBy === undefined && (flags.includes('include_done_modules') || need.context !== undefined);
    const base = requiredBy === undefined ? baseModule : boundsOf(requiredBy.builtFor);
    const found = await service.newest(need, { ...options, includeDone, base });
    if (found.length > 0 || !need.name.endsWith(develEnd) || need.name === develEnd) return found;
    const whole = { ...need, name: need.name.slice(0, -develEnd.length) };
    return (await service.newest(whole, { ...options, includeDone, base })).map((build) => asDevel(build));
  };
}

/** The packages that its module filters out; it needs the module itself. */
function asDevel(build: ModuleBuild): ModuleBuild {
  const { name, stream } = build;
  return { ...build, name: `${name}${develEnd}`, id: undefined, tag: undefined, requires: [...build.requires, { name, stream }] };
}

/** Not newer than what the one that requires it was built for, and of the same major version. */
function boundsOf(builtFor: readonly BaseStream[]): Partial<BaseModule> {
  const base = builtFor.at(-1);
  if (base === undefined) return {};
  const { stream, streamVersion } = base;
  const major = /^[^0-9]*([0-9]+)/.exec(stream)?.[1];
  const digits = `${Math.trunc(streamVersion)}`.length;
  return { streamVersionLte: streamVersion, streamVersionGte: major === undefined ? null : Number(major.padEnd(digits, '0')) };
}
