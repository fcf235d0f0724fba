import { MillraceError } from '../errors/millrace-error.js';
import { isMissingFile } from '../repository-source/download.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { inOrder } from '../rpm-repository/in-order.js';
import { readIdentity } from '../rpm/package/package-details.js';
import type { PackageHead } from '../rpm/package/package-file.js';
import { tag } from '../rpm/package/tags.js';
import type { KojiHub } from './koji-hub.js';
import { byName, rpmArches, type KojiListing, type KojiRequest, type KojiRpm } from './koji-listing.js';
import { payloadHashOf, withHead } from './package-heads.js';
import { locationBelow, packageNameOf } from './package-places.js';
import { descendentsOf, findTasks, outputsOf, type AskedTask, type KojiTask } from './task-calls.js';

export interface ScratchParts {
  readonly hub: KojiHub;
  /** URL or absolute path of Koji's top directory. */
  readonly top: string;
  readonly source: Pick<RepositorySource, 'open'>;
}

interface ScratchFile {
  /** The build's, not the one for an architecture. */
  readonly task: number;
  /** Below Koji's top directory. */
  readonly directory: string;
  readonly file: string;
}

interface ScratchRpm {
  readonly rpm: KojiRpm;
  /** Name of its source package, which is what builds go by. */
  readonly package: string;
}

const states = ['free', 'open', 'closed', 'cancelled', 'assigned', 'failed'];
const closed = 2;
const atOnce = 8;

/**
 * The listing with the packages of the request's scratch builds, instead of whatever else it has of theirs. A hub knows no more of them than the names of
 * their files, so the heads of those are read. Errors: those of the hub and of `RepositorySource`; `unresolvable` naming every task that has no packages to give.
 */
export async function withScratchBuilds(parts: ScratchParts, listing: KojiListing, request: KojiRequest, options: SourceOptions): Promise<KojiListing> {
  if (request.scratchBuildTasks.length === 0) return listing;
  const files = await findFiles(parts.hub, request, options.signal);
  const scratch = await readFiles(parts, files, options);
  const replaced = new Set(scratch.map((each) => each.package));
  // Modules have their packages as they were built together.
  const kept = listing.rpms.filter(({ directory, trees }) => trees !== undefined || !replaced.has(packageOf(directory)));
  return { ...listing, rpms: [...kept, ...scratch.map(({ rpm }) => rpm)].sort(byName) };
}

/** `[vol/<volume>/]packages/<package>/<version>/<release>` */
function packageOf(directory: string): string {
  return directory.split('/').at(-3) ?? '';
}

async function findFiles(hub: KojiHub, request: KojiRequest, signal: AbortSignal): Promise<readonly ScratchFile[]> {
  const ids = request.scratchBuildTasks.map(Number);
  refuseUnusable(hub, ids, await findTasks(hub, ids, signal));
  const builds = (await descendentsOf(hub, ids, signal)).map((tasks) => tasks.filter(isBuiltForArch));
  const outputs = await outputsOf(hub, builds.flat().map(({ id }) => id), signal);
  const arches = new Set(rpmArches(request));
  const tasks = builds.flatMap((some, index) => some.map(() => ids[index] as number));
  const files = outputs.flatMap((paths, index) => paths.map((path) => asFile(tasks[index] as number, path))).filter(({ file }) => arches.has(/\.([^.]+)\.rpm$/.exec(file)?.[1] ?? ''));
  const without = ids.filter((id) => !files.some(({ task }) => task === id));
  if (without.length > 0) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} has no packages for ${request.arches.join(', ')} of the scratch builds ${without.join(', ')}`);
  // Sources and packages of no architecture come from the task for each architecture: those of the first are taken.
  return [...new Map(files.toReversed().map((each) => [each.file, each])).values()];
}

/** A build may have ended well although some of its architectures, which were optional, did not. */
function isBuiltForArch({ method, state }: KojiTask): boolean {
  return method === 'buildArch' && state === closed;
}

function asFile(task: number, path: string): ScratchFile {
  const at = path.lastIndexOf('/');
  return { task, directory: `work/${path.slice(0, at)}`, file: path.slice(at + 1) };
}

function refuseUnusable(hub: KojiHub, ids: readonly number[], tasks: readonly (AskedTask | undefined)[]): void {
  const reasons = ids.flatMap((id, index) => whyNot(id, tasks[index]) ?? []);
  if (reasons.length === 0) return;
  throw new MillraceError('unresolvable', `scratch_build_tasks of the Koji hub ${hub.url}: ${reasons.join('; ')}`, { suggestion: 'Name the build tasks of scratch builds that have ended well.' });
}

function whyNot(id: number, task: AskedTask | undefined): string | undefined {
  if (task === undefined) return `there is no task ${id}`;
  const { method, parent, state } = task;
  if (method !== 'build') return `task ${id} is a ${method.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 60)}, no build${method === 'buildArch' && parent ? `: task ${parent} is` : ''}`;
  if (!isScratch(task)) return `task ${id} is no scratch build: builds can name what came of it`;
  return state === closed ? undefined : `task ${id} is ${states[state] ?? 'in an unknown state'}`;
}

function isScratch({ request }: AskedTask): boolean {
  const options = request?.[2];
  return typeof options === 'object' && options !== null && 'scratch' in options && Boolean(options.scratch);
}

async function readFiles(parts: ScratchParts, files: readonly ScratchFile[], options: SourceOptions): Promise<readonly ScratchRpm[]> {
  const gone = new Set<number>();
  const found: ScratchRpm[] = [];
  for await (const { task, read } of inOrder(files, atOnce, async (each) => ({ task: each.task, read: await readFile(parts, each, options) }))) {
    if (read === undefined) gone.add(task);
    else found.push(read);
  }
  if (gone.size > 0) throw filesGone(parts.hub, [...gone]);
  return found;
}

export function filesGone({ url }: Pick<KojiHub, 'url'>, tasks: readonly number[]): MillraceError {
  return new MillraceError('unresolvable', `the files of the scratch builds ${tasks.join(', ')} of the Koji hub ${url} are not there any more: Koji deletes them after some time`, { suggestion: 'Build them again, and name the new tasks.' });
}

/** Undefined: Koji has deleted it. */
async function readFile({ top, source }: ScratchParts, file: ScratchFile, options: SourceOptions): Promise<ScratchRpm | undefined> {
  const location = locationBelow(top, `${file.directory}/${file.file}`);
  try {
    return await withHead(source, location, options, (head) => asScratchRpm(head, file, location));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

function asScratchRpm(head: PackageHead, { task, directory, file }: ScratchFile, location: string): ScratchRpm {
  const identity = readIdentity(head.header);
  const { name, epoch, version, release } = identity;
  const arch = identity.arch === 'src' && file.endsWith('.nosrc.rpm') ? 'nosrc' : identity.arch;
  if (packageNameOf({ ...identity, arch }) !== file) throw new MillraceError('source-invalid', `${location} is another package than its name says: ${packageNameOf({ ...identity, arch })}`);
  const rpm = { name, epoch, version, release, arch, size: 0, payloadHash: payloadHashOf(head) ?? '', sigkeys: [], directory, task };
  return { rpm, package: /^(.+)-[^-]+-[^-]+$/.exec(head.header.string(tag.sourceRpm) ?? '')?.[1] ?? name };
}
