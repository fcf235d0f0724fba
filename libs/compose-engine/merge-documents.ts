import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { readComps, writeComps } from '../rpm/metadata/comps.js';
import { mergeComps } from '../rpm/metadata/merge-comps.js';
import { mergeModules, readModules } from '../rpm/metadata/modules.js';
import { treeArchitectures } from '../rpm/resolution/architectures.js';
import { once } from './plan-documents.js';

/** One comps document of those of all sources. */
export async function mergeGroupDocuments(documents: readonly Buffer[]): Promise<Buffer> {
  return Buffer.from(writeComps(mergeComps(await Promise.all(documents.map((document) => readComps(once(document)))))));
}

/** One modules document for one architecture: streams of the others are left out. */
export function mergeModuleDocuments(documents: readonly Buffer[], arch: string): Buffer {
  const arches = new Set(['', arch, ...treeArchitectures(arch).native]);
  const ofArch = documents.map((document) => readModules(document).filter((module) => module.kind !== 'modulemd' || arches.has(module.arch)));
  return Buffer.from(mergeModules(ofArch));
}

/** Whether documents of a source can be read, before they are kept. Errors: `source-invalid`, naming the source. */
export const checkDocument = {
  groups: (document: Buffer, url: string) => checked(readComps(once(document)), `the groups of ${url}`),
  modules: async (document: Buffer, url: string) => checked(Promise.resolve(document).then(readModules), `the modules of ${url}`),
} as const;

async function checked(reading: Promise<unknown>, what: string): Promise<void> {
  try {
    await reading;
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    throw new MillraceError('source-invalid', `${what} cannot be used: ${error.message}`, { cause: error });
  }
}
