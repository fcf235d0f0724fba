import { MillraceError } from '../errors/millrace-error.js';
import { findConflict } from './find-conflict.js';
import type { ModuleBuild } from './module-build.js';
import { baseModules, compareModules, moduleName, streamName, type ModuleNeed } from './module-name.js';

/** All contexts of the newest version of a stream; none: it has none. `requiredBy`: undefined for what was asked for. */
export type FindModules = (need: ModuleNeed, requiredBy: ModuleBuild | undefined) => Promise<readonly ModuleBuild[]>;

export interface ResolveOptions {
  /** Who is asked, for messages. */
  readonly where: string;
  readonly find: FindModules;
  /** What modules need at run time is added, and what that needs. */
  readonly dependencies: boolean;
}

export const mostModules = 1000;
const findsAtOnce = 8;

/**
 * The builds of modules that a compose has, sorted by name. A stream that several need is there once. Errors: `unresolvable` for what there is not, naming who needs it, and for
 * what no machine could have together.
 */
export async function resolveModules(asked: readonly ModuleNeed[], options: ResolveOptions): Promise<readonly ModuleBuild[]> {
  const streams = new Map<string, readonly ModuleBuild[]>();
  const roots = await findAsked(asked, options, streams);
  if (options.dependencies) {
    await addRequired(roots, options, streams);
    refuseConflicts(roots, streams);
  }
  return [...streams.values()].flat().filter(({ name }) => !baseModules.has(name)).sort(compareModules);
}

async function findAsked(asked: readonly ModuleNeed[], { find, where }: ResolveOptions, streams: Map<string, readonly ModuleBuild[]>): Promise<readonly ModuleBuild[]> {
  const answers = await atOnce(asked, async (need) => ({ need, found: await find(need, undefined) }));
  const missing = answers.filter(({ found }) => found.length === 0).map(({ need }) => moduleName(need));
  if (missing.length > 0) throw new MillraceError('unresolvable', `${where} has no build of ${missing.join(', ')} that is ready`, { suggestion: 'Correct the names; builds that are only done are taken where they are named to their context, or with the flag include_done_modules.' });
  for (const { found } of answers) {
    const [first] = found as [ModuleBuild];
    const there = streams.get(streamName(first)) ?? [];
    const other = there.find(({ version }) => version !== first.version);
    if (other !== undefined) throw new MillraceError('unresolvable', `${moduleName(first)} conflicts with ${moduleName(other)}: a compose has one version of a stream`, { suggestion: 'Name one of them.' });
    streams.set(streamName(first), distinct([...there, ...found]));
  }
  limit(streams);
  return [...streams.values()].flat();
}

/** Level by level; a stream is asked for once, so that loops end. */
async function addRequired(roots: readonly ModuleBuild[], { find, where }: ResolveOptions, streams: Map<string, readonly ModuleBuild[]>): Promise<void> {
  let level = roots.map((build) => ({ build, chain: [moduleName(build)] }));
  while (level.length > 0) {
    const needs = new Map<string, { readonly need: ModuleNeed; readonly build: ModuleBuild; readonly chain: readonly string[] }>();
    for (const { build, chain } of level) for (const need of build.requires) if (!baseModules.has(need.name) && !streams.has(streamName(need)) && !needs.has(streamName(need))) needs.set(streamName(need), { need, build, chain });
    const answers = await atOnce([...needs.values()], async (each) => ({ ...each, found: await find(each.need, each.build) }));
    const missing = answers.filter(({ found }) => found.length === 0).map(({ need, chain }) => `${streamName(need)} (${[...chain, streamName(need)].join(' requires ')})`);
    if (missing.length > 0) throw new MillraceError('unresolvable', `${where} has no ready build of modules that others require: ${missing.slice(0, 20).join('; ')}`, { suggestion: 'Set the flag no_deps to leave out what modules require.' });
    for (const { need, found } of answers) streams.set(streamName(need), distinct(found));
    limit(streams);
    level = answers.flatMap(({ found, chain }) => found.map((build) => ({ build, chain: [...chain, moduleName(build)] })));
  }
}

function refuseConflicts(roots: readonly ModuleBuild[], streams: ReadonlyMap<string, readonly ModuleBuild[]>): void {
  for (const root of roots) {
    const conflict = findConflict(root, streams);
    if (conflict === undefined) continue;
    throw new MillraceError('unresolvable', `${moduleName(root)} can be installed nowhere, because it needs two streams of ${conflict.name}: ${conflict.chains.map((chain) => chain.join(' requires ')).join('; and ')}`, {
      suggestion: 'Name another build of it, or set the flag no_deps to leave out what modules require.',
    });
  }
}

function limit(streams: ReadonlyMap<string, readonly ModuleBuild[]>): void {
  const count = [...streams.values()].reduce((sum, builds) => sum + builds.length, 0);
  if (count > mostModules) throw new MillraceError('unresolvable', `the compose has ${count} modules; ${mostModules} are the most that one takes`);
}

function distinct(builds: readonly ModuleBuild[]): readonly ModuleBuild[] {
  return [...new Map(builds.map((build) => [moduleName(build), build])).values()];
}

async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += findsAtOnce) results.push(...(await Promise.all(items.slice(from, from + findsAtOnce).map(work))));
  return results;
}
