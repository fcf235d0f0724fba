import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import { errorMessage } from '../errors/error-message.js';
import type { BucketTrees } from './bucket-trees.js';
import type { ComposeEngine, EngineOptions, GenerationJob, TreeName } from './compose-engine.js';
import { packageFileName, packageHref, placesOfTree, repositoryPath, treeIdOf, type ComposePlaces, type TreePart, type TreePlaces } from './compose-layout.js';
import { openGenerationLog } from './generation-log.js';
import { withdrawTree } from './tree-publication.js';

export interface BucketPlaces extends ComposePlaces {
  /** Of the public prefix, for the log. */
  readonly composeBucket: string;
}

/** Milliseconds after which packages that the bucket has for sharing go. */
const idleContent = 30 * 86_400_000;

/**
 * An engine whose composes are published in a bucket, too: those of the target directory `default`, which has a public URL. A compose that the bucket does not
 * take is none: its files go from the directory again, and the attempt has failed. Errors also: `storage-unavailable`, `storage-refused`.
 */
export function withBucket(engine: ComposeEngine, trees: BucketTrees, places: BucketPlaces): ComposeEngine {
  const isPublic = ({ targetDir }: TreeName): boolean => targetDir === 'default';

  async function publish(job: GenerationJob, options: EngineOptions): Promise<void> {
    const of = placesOfTree(places, job);
    const log = openGenerationLog(of.directory);
    try {
      let objects = 0;
      const onProgress = (done: number, total: number): void => {
        objects = total;
        options.onProgress?.({ step: 'publish', done, total });
      };
      await trees.publish(nameOf(job), of.directory, { digests: await packageDigests(of), signal: options.signal, onProgress });
      log.info(`published ${objects} objects in ${places.composeBucket.split('?')[0]}`);
    } catch (error) {
      log.error(`Compose not published: ${errorMessage(error)}`);
      await withdraw(of, nameOf(job));
      throw error;
    } finally {
      log.close();
    }
  }

  /** What the bucket has of it goes when it can be reached; until then nothing there names a package, because that comes last. */
  async function withdraw(of: TreePlaces, name: string): Promise<void> {
    await withdrawTree(of);
    await trees.remove(name).catch(() => undefined);
  }

  return {
    ...engine,
    async generate(job, options) {
      const generated = await engine.generate(job, options);
      if (isPublic(job)) await publish(job, options);
      return generated;
    },
    async remove(tree) {
      if (isPublic(tree)) await trees.remove(nameOf(tree));
      await engine.remove(tree);
    },
    async list() {
      const local = await engine.list();
      const known = new Set(local.filter(isPublic).map(nameOf));
      const only = (await trees.list()).filter((name) => !known.has(name)).flatMap((name) => treeIdOf(name) ?? []);
      return [...local, ...only.map((id) => ({ id, targetDir: 'default' }))];
    },
    async sweep(plans) {
      return (await engine.sweep(plans)) + (await trees.sweep(idleContent));
    },
  };
}

function nameOf({ id }: TreeName): string {
  return `odcs-${id}`;
}

/** Of the files of packages, by their paths in the tree. */
async function packageDigests({ directory }: TreePlaces): Promise<ReadonlyMap<string, string>> {
  const plan = JSON.parse(await readFile(path.join(directory, 'work', 'global', 'plan.json'), 'utf8')) as ComposePlan;
  const digests = new Map<string, string>();
  const add = (part: TreePart, arch: string, packages: readonly PlannedPackage[]): void => {
    for (const each of packages) digests.set(`compose/${repositoryPath(part, arch)}/${packageHref(packageFileName(each))}`, each.sha256);
  };
  for (const { arch, packages, debuginfo, sources } of plan.trees) {
    add('os', arch, packages);
    add('debug', arch, debuginfo);
    add('source', arch, sources);
  }
  return digests;
}
