import type { PinnedModules } from '../../compose/compose-plan.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { KojiSource } from '../../koji/koji-source.js';
import type { ModuleContent } from '../../koji/module-contents.js';
import { findInService } from '../../mbs/find-in-service.js';
import type { ModuleBuildService } from '../../mbs/module-build-service.js';
import type { ModuleBuild } from '../../mbs/module-build.js';
import { compareModules, moduleName, parseModuleName, type ModuleId } from '../../mbs/module-name.js';
import { mostModules, resolveModules } from '../../mbs/resolve-modules.js';
import type { SourceOptions } from '../../repository-source/repository-source.js';
import { mergeModules, readModules } from '../../rpm/metadata/modules.js';
import { once } from '../plan-documents.js';
import { hubOf } from './koji-hub-of.js';
import { readDefaults } from './module-defaults.js';
import { readModuleDocuments } from './module-documents.js';
import type { PinningParts } from './source-kind.js';

export interface PinningModules {
  /** Its modules by their builds, its defaults by their commit, at its event. */
  readonly request: ComposeRequest;
  /** Undefined: it has no modules. */
  readonly modules?: PinnedModules;
  readonly contents: readonly ModuleContent[];
}

type ModuleParts = Pick<PinningParts, 'koji' | 'modules' | 'git' | 'store'>;

/**
 * Decides which builds of modules a request means, and keeps their metadata. Errors: `unresolvable` (there is none, or none for these architectures, or they cannot be together),
 * and those of `ModuleBuildService`, `KojiModules` and `GitCheckout`.
 */
export async function pinModules(parts: ModuleParts, asked: ComposeRequest, options: SourceOptions): Promise<PinningModules> {
  const { sourceType, modularKojiTags, scratchModules } = asked;
  if (sourceType !== 'module' && modularKojiTags.length === 0 && scratchModules.length === 0) return { request: asked, contents: [] };
  const koji = hubOf(parts.koji);
  const request = { ...asked, kojiEvent: await koji.settle(asked, options) };
  const resolved = await resolve(parts, koji, { request, options });
  const scratch = await Promise.all(scratchModules.map((name) => findScratch(serviceOf(parts.modules), name, options)));
  const count = resolved.length + scratch.length;
  if (count > mostModules) throw new MillraceError('unresolvable', `the compose has ${count} modules; ${mostModules} are the most that one takes`, { suggestion: 'Pick some of them with modules.' });
  const documents = await readModuleDocuments({ koji: koji.modules, service: parts.modules }, [...resolved, ...scratch], { arches: request.arches, ...options });
  const names = new Set([...resolved, ...scratch].map(({ name }) => name));
  const defaults = request.moduleDefaults === null ? undefined : await readDefaults(parts.git, request.moduleDefaults, { names, ...options });
  const texts = [...documents.flatMap(({ texts: each }) => each), ...(defaults?.texts ?? [])];
  const document = mergeModules(texts.map((text) => readModules(Buffer.from(text))));
  return {
    request: {
      ...request,
      ...(sourceType === 'module' ? { source: resolved.map(moduleName) } : {}),
      moduleDefaults: request.moduleDefaults === null || defaults === undefined ? request.moduleDefaults : { url: request.moduleDefaults.url, commit: defaults.commit },
    },
    modules: { document: (await parts.store.add(once(Buffer.from(document)))).sha256 },
    contents: documents.map(({ content }) => content),
  };
}

/** In Koji's tags where the request names any, else in the module build service. A tag's own compose has all that its modular tags have, unless it picks some. */
async function resolve({ modules: service }: ModuleParts, koji: KojiSource, { request, options }: { readonly request: ComposeRequest; readonly options: SourceOptions }): Promise<readonly ModuleBuild[]> {
  const { sourceType, source, modules, modularKojiTags, flags, kojiEvent } = request;
  const asked = (sourceType === 'module' ? source : modules).map(parseModuleName);
  const dependencies = !flags.includes('no_deps');
  if (modularKojiTags.length === 0) {
    if (asked.length === 0) return [];
    const found = serviceOf(service);
    return resolveModules(asked, { where: found.url, find: findInService(found, request, options), dependencies });
  }
  const tagged = await koji.modules.inTags(modularKojiTags, kojiEvent as number, options);
  // A hub tells them by when they were tagged.
  if (sourceType === 'tag' && asked.length === 0) return [...(await tagged.all())].sort(compareModules);
  return resolveModules(asked, { where: `tags ${modularKojiTags.join(', ')} of Koji`, find: tagged.find, dependencies });
}

async function findScratch(service: ModuleBuildService, name: string, options: SourceOptions): Promise<ModuleBuild> {
  const build = await service.scratch(parseModuleName(name) as ModuleId, options);
  if (build !== undefined) return build;
  throw new MillraceError('unresolvable', `${service.url} has no scratch build of ${name} that is done`, { suggestion: 'Name scratch builds by name:stream:version:context; others belong to source.' });
}

function serviceOf(service: ModuleBuildService | undefined): ModuleBuildService {
  if (service !== undefined) return service;
  throw new MillraceError('invalid-setting', 'this compose has modules of a module build service, and this worker knows none', { suggestion: 'Set MILLRACE_MBS_URL on every gateway and worker alike.' });
}
