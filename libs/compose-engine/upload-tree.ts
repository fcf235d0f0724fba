import { link, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import { packageFileName, packageHref, repositoryPath, type TreePart, type TreePlaces } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { allLogFiles } from './generation-log.js';
import type { StagedTree } from './tree-publication.js';

/** Copies a whole tree into the bucket, where there is one. Errors: `storage-unavailable`, `storage-refused`. */
export async function uploadTree(context: GenerationContext, { places, staged, plan }: { readonly places: TreePlaces; readonly staged: StagedTree; readonly plan: ComposePlan }): Promise<void> {
  const { bucket, signal } = context;
  if (bucket === undefined) return;
  for (const name of await readdir(places.directory)) {
    if (!allLogFiles.includes(name)) continue;
    // Of a program that has written the tree, and has called a file of its own the same.
    await rm(path.join(staged.directory, name), { recursive: true, force: true });
    await link(path.join(places.directory, name), path.join(staged.directory, name));
  }
  await bucket.publish(path.basename(places.directory), staged.directory, { digests: digestsOf(plan), signal, onProgress: (done, total) => context.progress('publish', done, total) });
  context.log.info('the tree is in the bucket');
}

/** Of packages, by path in the tree. */
function digestsOf({ trees }: ComposePlan): Map<string, string> {
  const of = (part: TreePart, arch: string, packages: readonly PlannedPackage[]) =>
    packages.map((item): [string, string] => [`compose/${repositoryPath(part, arch)}/${packageHref(packageFileName(item))}`, item.sha256]);
  return new Map(trees.flatMap(({ arch, packages, debuginfo, sources }) => [...of('os', arch, packages), ...of('debug', arch, debuginfo), ...of('source', arch, sources)]));
}
