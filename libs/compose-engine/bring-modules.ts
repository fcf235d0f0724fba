import { readFile } from 'node:fs/promises';
import type { PinnedInputs } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import { readModules } from '../rpm/metadata/modules.js';
import { treeArchitectures } from '../rpm/resolution/architectures.js';
import type { GenerationContext } from './generation-context.js';
import { hubOf } from './sources/koji-hub-of.js';
import { pinModules } from './sources/pin-modules.js';

/**
 * Sees to it that the metadata and the packages' list of pinned modules are here, and tells which architectures lack one. What another machine has pinned is asked for again. Errors: those of
 * `pinModules`; `source-changed` when they are not what was pinned.
 */
export async function bringModules(context: GenerationContext, inputs: PinnedInputs): Promise<void> {
  const { modules, koji: pinned, request } = inputs;
  if (modules === undefined || pinned === undefined) return;
  const { store, log, signal } = context;
  if (!(await store.has(modules.document)) || !(await store.has(pinned.listing))) {
    log.step('asking for the modules again that were pinned elsewhere');
    const again = await pinModules(context, request, { signal });
    const { listing } = await hubOf(context.koji).pin(again.request, { signal }, again.contents);
    if (again.modules?.document !== modules.document || listing !== pinned.listing) throw new MillraceError('source-changed', `the modules have other packages, signatures or metadata than when they were pinned at event ${pinned.event ?? 'none'} of Koji`);
  }
  const documents = readModules(await readFile(store.file(modules.document))).filter(({ kind }) => kind === 'modulemd');
  const builds = new Map<string, string[]>();
  for (const { name, stream, version, context: build, arch } of documents) {
    const key = `${name}:${stream}:${version}:${build}`;
    builds.set(key, [...(builds.get(key) ?? []), arch]);
  }
  for (const [build, arches] of builds) {
    log.info(`module ${build} for ${arches.join(', ')}`);
    for (const arch of request.arches) if (![arch, ...treeArchitectures(arch).native].some((each) => arches.includes(each))) log.warn(`the module ${build} is not there for ${arch}`);
  }
}
