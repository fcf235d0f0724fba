import type { ComposePlan, PinnedInputs, PlannedTree } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { LoadedKoji } from '../koji/koji-source.js';
import type { LoadedRepository } from '../repository-source/repository-source.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import type { Selection } from '../rpm/resolution/select-packages.js';
import { fileNameOf, settlePackages } from './fetch-packages.js';
import type { FetchedPackage } from './fetched-package.js';
import type { GenerationContext } from './generation-context.js';
import { bringModules } from './bring-modules.js';
import { loadKoji, withKojiFiles } from './koji-packages.js';
import { listed } from './listed.js';
import { checkDocument } from './merge-documents.js';
import { planLinks } from './plan-links.js';
import { newestTime, once } from './plan-documents.js';
import { renewPlan } from './renew-plan.js';
import { createStopwatch } from './stopwatch.js';

/** Decides which packages go where, and has them all in the content store when it resolves. */
export async function planCompose(context: GenerationContext, inputs: PinnedInputs): Promise<ComposePlan> {
  if (inputs.links !== undefined) return planLinks(context, inputs.request, inputs.links);
  if (inputs.request.pinnedPlan !== null) return renewPlan(context, inputs.request);
  const { request } = inputs;
  const elapsed = createStopwatch();
  await bringModules(context, inputs);
  const loaded = await loadRepositories(context, inputs);
  context.log.info(`metadata read in ${elapsed()}`);
  const selections: { readonly arch: string; readonly selection: Selection; readonly offered: readonly AvailablePackage[] }[] = [];
  for (const arch of [...request.arches].sort()) {
    const offered = loaded.sources.filter(({ arches }) => arches.includes(arch)).flatMap(({ repository }) => repository.packages).filter(({ location }) => loaded.koji?.treesOf(location)?.includes(arch) !== false);
    selections.push({ arch, selection: await selectFor(context, inputs, { arch, loaded, offered }), offered });
  }
  context.log.info(`packages selected in ${elapsed()}`);
  refuseMissing(selections, inputs);
  refuseBroken(context, selections, inputs);
  const chosen = await settlePackages(
    withKojiFiles(context, loaded.koji),
    selections.map(({ arch, selection, offered }) => ({ arch, offered, wanted: [...selection.packages, ...selection.debuginfo, ...selection.sources] })),
    request.sigkeys,
  );
  context.log.info(`package files fetched and read in ${elapsed()}`);
  const trees = selections.map(({ arch, selection }): PlannedTree => {
    const planned = (packages: readonly AvailablePackage[]) => sortPackages(distinct(packages.map((item) => chosen.get(`${arch} ${fileNameOf(item)}`) as FetchedPackage)).map(({ planned: item }) => item));
    return { arch, packages: planned(selection.packages), debuginfo: planned(selection.debuginfo), sources: planned(selection.sources) };
  });
  const repositories = loaded.sources.map(({ repository }) => repository);
  return {
    version: 1,
    trees,
    sourceDate: newestTime(trees),
    results: [...request.results].sort(),
    groups: await keepDocuments(context, repositories, 'groups'),
    modules: [...(inputs.modules === undefined ? [] : [inputs.modules.document]), ...(await keepDocuments(context, repositories, 'modules'))],
  };
}

interface ServedRepository {
  readonly arches: readonly string[];
  readonly repository: Omit<LoadedRepository, 'repomd'>;
}

interface LoadedSources {
  readonly sources: readonly ServedRepository[];
  readonly lookaside: readonly ServedRepository[];
  /** One of the sources. */
  readonly koji: LoadedKoji | undefined;
}

async function loadRepositories(context: GenerationContext, inputs: PinnedInputs): Promise<LoadedSources> {
  const koji = await loadKoji(context, inputs);
  const ofKoji = koji === undefined ? [] : [{ arches: inputs.request.arches, repository: koji }];
  const total = ofKoji.length + inputs.sources.length + inputs.lookaside.length;
  let done = ofKoji.length;
  // One after the other: the largest need a good part of the memory while they are read.
  const load = async (pinned: PinnedInputs['sources'], what: string): Promise<ServedRepository[]> => {
    const repositories: ServedRepository[] = [];
    for (const { url, repomdSha256, arches, revision } of pinned) {
      const repository = await context.source.load({ url, repomdSha256 }, { index: done, signal: context.signal });
      repositories.push({ arches, repository });
      done += 1;
      context.progress('resolve', done, total);
      context.log.info(`${what} ${url}, revision ${revision}, repomd.xml ${repomdSha256}: ${repository.packages.length} packages for ${arches.join(', ')}`);
    }
    return repositories;
  };
  return { koji, sources: [...ofKoji, ...(await load(inputs.sources, 'source'))], lookaside: await load(inputs.lookaside, 'lookaside repository') };
}

interface TreeSources {
  readonly arch: string;
  readonly loaded: LoadedSources;
  readonly offered: readonly AvailablePackage[];
}

async function selectFor(context: GenerationContext, { request }: PinnedInputs, { arch, loaded, offered }: TreeSources): Promise<Selection> {
  const serving = [...loaded.sources, ...loaded.lookaside].filter(({ arches }) => arches.includes(arch));
  const whole = request.sourceType === 'pungi_compose';
  const selection = await context.select({
    packages: offered,
    lookaside: loaded.lookaside.filter(({ arches }) => arches.includes(arch)).flatMap(({ repository }) => repository.packages),
    arch,
    useOnlyCompatibleArch: request.flags.includes('use_only_compatible_arch'),
    // All of a Pungi compose: its repositories have what its metadata lists.
    wanted: whole ? [] : request.packages,
    included: new Set(offered.filter(({ location }) => loaded.koji?.treesOf(location) !== undefined)),
    // Whole repositories have no more to give.
    dependencies: !whole && request.packages.length > 0 && !request.flags.includes('no_deps'),
    checkDependencies: request.flags.includes('check_deps'),
    multilib: request.multilibArches.includes(arch) ? request.multilibMethods : [],
    findFileOwners: (paths) => findOwners(serving, paths),
  });
  const { packages, debuginfo, sources } = selection;
  context.log.info(`${arch}: ${packages.length} packages, ${debuginfo.length} of debuginfo, ${sources.length} sources of ${offered.length} offered`);
  return selection;
}

async function findOwners(serving: readonly ServedRepository[], paths: ReadonlySet<string>): Promise<Map<string, readonly AvailablePackage[]>> {
  const owners = new Map<string, readonly AvailablePackage[]>();
  for (const { repository } of serving) {
    for (const [place, packages] of await repository.findFileOwners(paths)) owners.set(place, [...(owners.get(place) ?? []), ...packages]);
  }
  return owners;
}

/** A wanted name has to be in one architecture at least: not every package is built for each. */
function refuseMissing(selections: readonly { readonly selection: Selection }[], { request, sources, koji }: PinnedInputs): void {
  const missing = (selections[0]?.selection.missing ?? []).filter((name) => selections.every(({ selection }) => selection.missing.includes(name)));
  const names = new Set(selections.flatMap(({ selection }) => selection.packages.map(({ name }) => name)));
  const lost = request.sourceType === 'pungi_compose' ? request.packages.filter((name) => !names.has(name)) : missing;
  if (lost.length === 0) return;
  throw new MillraceError('unresolvable', `no source has these packages for ${request.arches.join(', ')}: ${listed([...lost].sort())} (looked in ${[...(koji === undefined ? [] : [koji.hub]), ...sources.map(({ url }) => url)].join(', ')})`, {
    suggestion: 'Correct the names, or name the repositories that have these packages.',
  });
}

function refuseBroken(context: GenerationContext, selections: readonly { readonly arch: string; readonly selection: Selection }[], { request }: PinnedInputs): void {
  const broken = selections.flatMap(({ arch, selection }) =>
    selection.broken.map((item) => {
      const verb = item.kind === 'conflicts' ? 'conflicts with' : 'requires';
      const there = item.candidates.length === 0 ? '' : ` (there is ${item.candidates.slice(0, 5).join(', ')})`;
      return `${arch}: ${item.package} ${verb} ${item.requirement}${there}`;
    }),
  );
  if (broken.length === 0) return;
  for (const line of broken) context.log.warn(line);
  if (request.flags.includes('check_deps')) {
    throw new MillraceError('unresolvable', `${broken.length} broken dependencies: ${listed(broken)}`, { suggestion: 'Add what is missing to packages, source or lookaside_repos, or leave check_deps out.' });
  }
}

async function keepDocuments(context: GenerationContext, repositories: readonly Omit<LoadedRepository, 'repomd'>[], kind: 'groups' | 'modules'): Promise<string[]> {
  const digests = new Set<string>();
  for (const repository of repositories) {
    const document = await repository[kind]();
    if (document === undefined) continue;
    await checkDocument[kind](document, repository.url);
    digests.add((await context.store.add(once(document))).sha256);
  }
  return [...digests];
}

function distinct(packages: readonly FetchedPackage[]): FetchedPackage[] {
  return [...new Map(packages.map((item) => [fileNameOf(item.planned), item])).values()];
}

function sortPackages(packages: readonly FetchedPackage['planned'][]): FetchedPackage['planned'][] {
  const key = (item: FetchedPackage['planned']) => [item.name, item.version, item.release, item.arch, item.sha256];
  return [...packages].sort((one, other) => compareKeys(key(one), key(other)));
}

function compareKeys(one: readonly string[], other: readonly string[]): number {
  for (const [index, part] of one.entries()) {
    const against = other[index] as string;
    if (part !== against) return part < against ? -1 : 1;
  }
  return 0;
}
