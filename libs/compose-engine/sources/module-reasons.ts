import type { ComposeRequest } from '../../compose/compose-request.js';
import { baseModules, readModuleName } from '../../mbs/module-name.js';
import { placeReasons, type CheckOptions } from './source-kind.js';

/** Tags that one request may have asked for. */
const mostTags = 100;

/** What is wrong with a request for modules themselves. */
export function moduleReasons(request: ComposeRequest, options: CheckOptions): string[] {
  const { source, packages, builds, scratchBuildTasks, modules, modularKojiTags, scratchModules } = request;
  return [
    ...(source.length === 0 && scratchModules.length === 0 ? ['source type module needs a source: modules as name:stream, name:stream:version or name:stream:version:context'] : []),
    ...nameReasons(source, 2),
    ...(packages.length > 0 ? ['packages cannot be named with source type module: a module has the packages that it has'] : []),
    ...(builds.length + scratchBuildTasks.length > 0 ? ['builds and scratch_build_tasks cannot be named with source type module'] : []),
    ...(modules.length > 0 ? ['modules are for source type tag; with source type module, source names them'] : []),
    ...(source.length > 0 && modularKojiTags.length === 0 && options.moduleBuildService === undefined ? ['modules are looked for in a module build service (MILLRACE_MBS_URL), which this service does not have; modular_koji_tags name Koji tags to look in instead'] : []),
    ...commonReasons(request, options),
  ];
}

/** What is wrong with modules besides the packages of a tag. */
export function taggedModuleReasons(request: ComposeRequest, options: CheckOptions): string[] {
  const { modules, modularKojiTags } = request;
  return [
    ...(modules.length > 0 && modularKojiTags.length === 0 ? ['modules picks from the modules in modular_koji_tags, which names no tag'] : []),
    ...nameReasons(modules, 2),
    ...commonReasons(request, options),
  ];
}

function commonReasons({ modularKojiTags, scratchModules, moduleDefaults }: ComposeRequest, { moduleBuildService }: CheckOptions): string[] {
  return [
    ...(modularKojiTags.length > mostTags ? [`modular_koji_tags names ${modularKojiTags.length} tags; ${mostTags} are the most that one compose takes`] : []),
    ...nameReasons(scratchModules, 4),
    ...(scratchModules.length > 0 && moduleBuildService === undefined ? ['scratch_modules are looked for in a module build service (MILLRACE_MBS_URL), which this service does not have'] : []),
    ...(moduleDefaults === null ? [] : placeReasons([moduleDefaults.url])),
  ];
}

function nameReasons(names: readonly string[], parts: 2 | 4): string[] {
  const shape = parts === 4 ? 'name:stream:version:context' : 'name:stream, name:stream:version or name:stream:version:context';
  return names.flatMap((name) => {
    const need = readModuleName(name);
    if (need === undefined || (parts === 4 && need.context === undefined)) return [`${JSON.stringify(name.slice(0, 200))} is no module: it is named as ${shape}`];
    return baseModules.has(need.name) ? [`${need.name} is a base module: there are no packages of it to compose`] : [];
  });
}
