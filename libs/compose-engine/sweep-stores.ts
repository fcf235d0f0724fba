import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { EngineParts } from './engine-parts.js';

/** Milliseconds without use after which package files that no compose has, and what was parsed of repositories, go. */
const idleContent = 3 * 86_400_000;
const idleSources = 7 * 86_400_000;
/** Bytes of prepared metadata that are kept. */
const largestCache = 8 * 1024 ** 3;

const documents = z.object({ groups: z.array(z.string()), modules: z.array(z.string()) });

/** Removes what nobody has used in a long time; the given plans, and the documents that they name, count as used. Answers how many files went. */
export async function sweepStores({ store, source, koji, writer, bucket }: Pick<EngineParts, 'store' | 'source' | 'koji' | 'writer' | 'bucket'>, plans: readonly string[]): Promise<number> {
  for (const plan of plans) {
    if (!(await store.has(plan))) continue;
    for (const document of await documentsOf(store.file(plan))) await store.has(document);
  }
  return (await store.sweep(idleContent)) + (await source.sweep(idleSources)) + ((await koji?.sweep(idleSources)) ?? 0) + (await writer.sweep(largestCache)) + ((await bucket?.sweep(idleContent)) ?? 0);
}

/** A plan that cannot be read is told of by whoever needs it. */
async function documentsOf(file: string): Promise<readonly string[]> {
  try {
    const { groups, modules } = documents.parse(JSON.parse(await readFile(file, 'utf8')));
    return [...groups, ...modules];
  } catch {
    return [];
  }
}
