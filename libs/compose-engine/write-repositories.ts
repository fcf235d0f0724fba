import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import type { RepositoryPackage } from '../rpm-repository/repository-writer.js';
import { packageFileName, packageHref, repositoryPath, type TreePart } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { mergeGroupDocuments, mergeModuleDocuments } from './merge-documents.js';

interface PlannedRepository {
  readonly part: TreePart;
  readonly arch: string;
  readonly packages: readonly PlannedPackage[];
}

/** Hard links made at once. */
const atOnce = 16;

/** Writes all repositories of a compose below `compose`: packages as links, then their metadata. Those without packages too: the `.repo` file names them. */
export async function writeRepositories(context: GenerationContext, compose: string, plan: ComposePlan): Promise<void> {
  const repositories = repositoriesOf(plan);
  const total = repositories.reduce((sum, { packages }) => sum + packages.length, 0);
  const [groups, modules] = [await documents(context, plan.groups), await documents(context, plan.modules)];
  let done = 0;
  for (const repository of repositories) {
    const directory = path.join(compose, repositoryPath(repository.part, repository.arch));
    const files = await linkPackages(context, directory, repository.packages);
    const before = done;
    const written = await context.writer.write(directory, {
      packages: files,
      revision: plan.sourceDate,
      compression: 'gzip',
      ...(repository.part === 'os' && groups.length > 0 ? { groups: await mergeGroupDocuments(groups) } : {}),
      ...(repository.part === 'os' && modules.length > 0 ? { modules: mergeModuleDocuments(modules, repository.arch) } : {}),
      signal: context.signal,
      onProgress: (some) => context.progress('write', before + some, total),
    });
    done += files.length;
    context.progress('write', done, total);
    context.log.info(`${repositoryPath(repository.part, repository.arch)}: ${files.length} packages, repomd.xml ${written.repomdSha256}`);
  }
}

function repositoriesOf({ trees, links }: ComposePlan): PlannedRepository[] {
  if (links !== undefined) return [];
  const perArch = trees.flatMap(({ arch, packages, debuginfo }): PlannedRepository[] => [
    { part: 'os', arch, packages },
    { part: 'debug', arch, packages: debuginfo },
  ]);
  // The first architecture's file where two have the same name.
  const sources = new Map(trees.flatMap((tree) => tree.sources).reverse().map((item) => [packageFileName(item), item]));
  const sorted = [...sources].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
  return [...perArch, { part: 'source', arch: 'source', packages: sorted }];
}

async function linkPackages(context: GenerationContext, directory: string, packages: readonly PlannedPackage[]): Promise<RepositoryPackage[]> {
  const files = packages.map((item): RepositoryPackage => ({ sha256: item.sha256, href: packageHref(packageFileName(item)), fileTime: item.fileTime }));
  for (const folder of new Set(files.map(({ href }) => path.dirname(href)))) await mkdir(path.join(directory, folder), { recursive: true });
  await mkdir(path.join(directory, 'Packages'), { recursive: true });
  for (let from = 0; from < files.length; from += atOnce) {
    context.signal.throwIfAborted();
    await Promise.all(files.slice(from, from + atOnce).map(({ sha256, href }) => context.store.link(sha256, path.join(directory, href))));
  }
  return files;
}

async function documents({ store }: GenerationContext, digests: readonly string[]): Promise<Buffer[]> {
  return Promise.all(digests.map((digest) => readFile(store.file(digest))));
}
