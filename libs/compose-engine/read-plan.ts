import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import type { ContentStore } from '../repository-source/content-store.js';
import { packageFileName, packageHref, repositoryPath, type TreePart } from './compose-layout.js';

/** A package file of a plan, and where the tree has it. */
export interface PackageOfPlan {
  readonly package: PlannedPackage;
  /** Relative to the directory of the tree. */
  readonly file: string;
}

/** Of all trees of a plan, by its digest. Rejects when the plan is not there (any more). */
export async function readPackagesOfPlan(content: Pick<ContentStore, 'file'>, plan: string): Promise<readonly PackageOfPlan[]> {
  const { trees } = JSON.parse(await readFile(content.file(plan), 'utf8')) as ComposePlan;
  const of = (part: TreePart, arch: string, packages: readonly PlannedPackage[]): PackageOfPlan[] =>
    packages.map((each) => ({ package: each, file: path.posix.join('compose', repositoryPath(part, arch), packageHref(packageFileName(each))) }));
  return trees.flatMap(({ arch, packages, debuginfo, sources }) => [...of('os', arch, packages), ...of('debug', arch, debuginfo), ...of('source', arch, sources)]);
}
