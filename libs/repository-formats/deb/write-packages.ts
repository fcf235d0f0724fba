import { MillraceError } from '../../errors/millrace-error.js';
import type { DebSettings } from '../../repository/repository.js';
import { inOrder } from '../../rpm-repository/in-order.js';
import type { IndexJob } from '../package-format.js';
import { textOfChunk } from './chunk-texts.js';
import { createChunkCutter, type IndexChunk } from './index-chunk.js';
import { createPackagesFile, type PackagesFile, type PackagesIndex } from './packages-file.js';

/** While one is compressed in another thread, the next ones are read. */
const chunksAtOnce = 8;

interface OpenIndex {
  readonly file: PackagesFile;
  readonly cutter: ReturnType<typeof createChunkCutter>;
}

/**
 * Writes `Packages.gz` of each component and architecture, in one pass over the packages with no more of them in memory than make a chunk. Packages for all architectures
 * are in the index of each. Errors: `invalid-request` for a package that no index of the settings has a place for, `record-corrupt`, `storage-full`.
 */
export async function writePackages(job: IndexJob, settings: DebSettings): Promise<readonly PackagesIndex[]> {
  const indexes = new Map<string, ReadonlyMap<string, OpenIndex>>();
  try {
    for (const component of settings.components)
      indexes.set(component, new Map(settings.architectures.map((architecture) => [architecture, { file: createPackagesFile(job.workDirectory, { component, architecture }), cutter: createChunkCutter() }])));
    const texts = inOrder(chunksOf(job, indexes), chunksAtOnce, async ({ index, chunk }) => ({ index, text: await textOfChunk(chunk, job) }));
    for await (const { index, text } of texts) index.file.append(text);
    return allOf(indexes).map(({ file }) => file.finish());
  } finally {
    for (const { file } of allOf(indexes)) file.close();
  }
}

async function* chunksOf(job: IndexJob, indexes: ReadonlyMap<string, ReadonlyMap<string, OpenIndex>>): AsyncGenerator<{ readonly index: OpenIndex; readonly chunk: IndexChunk }, void> {
  for await (const listed of job.packages()) {
    job.signal?.throwIfAborted();
    const { key, component, architecture } = listed;
    const ofComponent = indexes.get(component);
    const places = architecture === 'all' ? [...(ofComponent?.values() ?? [])] : [ofComponent?.get(architecture)];
    if (places.length === 0) throw noPlace(key, component, architecture);
    for (const index of places) {
      if (index === undefined) throw noPlace(key, component, architecture);
      const chunk = index.cutter.add(listed);
      if (chunk !== undefined) yield { index, chunk };
    }
  }
  for (const index of allOf(indexes)) {
    const chunk = index.cutter.end();
    if (chunk !== undefined) yield { index, chunk };
  }
}

function allOf(indexes: ReadonlyMap<string, ReadonlyMap<string, OpenIndex>>): readonly OpenIndex[] {
  return [...indexes.values()].flatMap((ofComponent) => [...ofComponent.values()]);
}

/** Rather than leave it out of the index: it would be gone for clients, and nobody asked for that. */
function noPlace(key: string, component: string, architecture: string): MillraceError {
  return new MillraceError('invalid-request', `the repository lists ${key} in the component ${JSON.stringify(component)} for ${architecture}, but its settings have no such component or architecture`, {
    suggestion: 'Publish it into a component of the repository, or remove such packages before the component or the architecture.',
  });
}
