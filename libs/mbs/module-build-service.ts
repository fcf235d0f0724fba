import { z } from 'zod';
import type { ComposeRequest } from '../compose/compose-request.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import type { BaseStream, ModuleBuild } from './module-build.js';
import { isPlainPart, moduleName, type ModuleId, type ModuleNeed } from './module-name.js';
import { readModulemd } from './modulemd.js';

/** Which base modules a build must have been made for. */
export type BaseModule = ComposeRequest['baseModule'];

export interface FindOptions extends SourceOptions {
  /** Builds that are done and not ready, too. */
  readonly includeDone: boolean;
  readonly base?: Partial<BaseModule>;
}

/**
 * The Module Build Service, read anonymously. Errors: `source-unavailable` (cannot be reached, too slow; worth another attempt), `source-invalid` (answers
 * something else than such a service), `forbidden` (an address that policy does not allow).
 */
export interface ModuleBuildService {
  readonly url: string;
  /** All contexts of the newest version that matches, without scratch builds; none: an empty list. */
  newest(need: ModuleNeed, options: FindOptions): Promise<readonly ModuleBuild[]>;
  /** One scratch build; undefined: there is none. */
  scratch(build: ModuleId, options: SourceOptions): Promise<ModuleBuild | undefined>;
  /** The documents of one build by architecture, with the packages that go into it. */
  documents(build: ModuleBuild & { readonly id: number }, options: SourceOptions): Promise<ReadonlyMap<string, string>>;
}

export interface ModuleBuildServiceParts {
  /** Without a slash at its end; `/1/` follows. */
  readonly url: string;
  readonly source: Pick<RepositorySource, 'read'>;
}

const [done, ready] = [3, 5];
const buildsOnPage = 20;
/** Contexts of one version are a handful. */
const mostPages = 25;

const plain = z.string().refine(isPlainPart, 'is no plain name');
const item = z.object({
  id: z.int().min(0),
  name: plain,
  stream: plain,
  version: z.union([z.string(), z.int()]).transform(String).pipe(z.string().regex(/^\d{1,20}$/)),
  context: plain.nullish(),
  state: z.int(),
  koji_tag: plain.nullish(),
  modulemd: z.string(),
  scratch: z.boolean().nullish(),
  base_module_buildrequires: z.array(z.object({ name: z.string(), stream: z.string(), stream_version: z.number().nullish() })).nullish(),
});
const page = z.object({ items: z.array(item), meta: z.object({ pages: z.int().nullish(), next: z.string().nullish() }) });
const finalDocuments = z.record(z.string(), z.string());

type Item = z.infer<typeof item>;

export function createModuleBuildService({ url, source }: ModuleBuildServiceParts): ModuleBuildService {
  async function ask<T>(path: string, schema: z.ZodType<T>, options: SourceOptions): Promise<T> {
    const bytes = await source.read(`${url}${path}`, { signal: options.signal, ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }) });
    let answer: unknown;
    try {
      answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch (error) {
      throw notTheService(path, 'no JSON', error);
    }
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const problem = parsed.error.issues[0];
    throw notTheService(path, `${problem?.path.join('.').slice(0, 100) || 'the answer'}: ${problem?.message.slice(0, 200)}`, undefined);
  }

  function notTheService(path: string, why: string, cause: unknown): MillraceError {
    return new MillraceError('source-invalid', `${url}${path.split('?')[0] ?? ''} answers something else than a module build service does: ${why}`, { cause, suggestion: 'MILLRACE_MBS_URL is the address that has /1/module-builds/ below it.' });
  }

  /** Page by page by their numbers, whatever the answer calls the next one; the newest version comes first, and the rest is not asked for. */
  async function search(need: ModuleNeed, states: readonly number[], { base = {}, ...options }: Omit<FindOptions, 'includeDone'>): Promise<readonly Item[]> {
    const found = new Map<number, Item>();
    for (let number = 1; number <= mostPages; number += 1) {
      const { items, meta } = await ask(`/1/module-builds/?${queryOf(need, { states, base, page: number })}`, page, options);
      const matching = items.filter((each) => matches(each, need, states));
      const before = found.size;
      for (const each of matching) found.set(each.id, each);
      const newest = newestVersion([...found.values()]);
      const more = meta.next !== null && meta.next !== undefined && items.length > 0 && number < (meta.pages ?? Infinity);
      // What repeats itself, or has come to an older version, has no more to tell.
      if (!more || (newest !== undefined && matching.some(({ version }) => version !== newest)) || (matching.length > 0 && found.size === before)) return [...found.values()];
    }
    throw new MillraceError('source-invalid', `${url} has more than ${mostPages * buildsOnPage} builds of ${moduleName(need)} in one version`);
  }

  return {
    url,
    async newest(need, { includeDone, ...options }) {
      const states = includeDone ? [done, ready] : [ready];
      const builds = (await search(need, states, options)).filter(({ scratch }) => scratch !== true);
      const newest = newestVersion(builds);
      return builds.filter(({ version }) => version === newest).map((each) => asBuild(each, url));
    },
    async scratch(build, options) {
      const found = (await search(build, [done, ready], options)).filter(({ scratch }) => scratch === true);
      const [latest] = found.sort((one, other) => other.id - one.id);
      return latest === undefined ? undefined : asBuild(latest, url);
    },
    async documents({ id }, options) {
      return new Map(Object.entries(await ask(`/1/final-modulemd/${id}`, finalDocuments, options)));
    },
  };
}

function queryOf({ name, stream, version, context }: ModuleNeed, { states, base, page: number }: { readonly states: readonly number[]; readonly base: Partial<BaseModule>; readonly page: number }): string {
  const named = { name, stream, version, context, base_module_br_name: base.name, base_module_br_stream: base.stream, base_module_br_stream_version_lte: base.streamVersionLte, base_module_br_stream_version_gte: base.streamVersionGte };
  const given = Object.entries(named).filter((entry): entry is [string, string | number] => entry[1] !== undefined && entry[1] !== null);
  // The second order makes pages whole: builds of one version would else come in any.
  const fixed: [string, string][] = [['verbose', 'true'], ['order_desc_by', 'version'], ['order_desc_by', 'id'], ['per_page', `${buildsOnPage}`], ['page', `${number}`]];
  return new URLSearchParams([...given.map(([key, value]): [string, string] => [key, `${value}`]), ...states.map((state): [string, string] => ['state', `${state}`]), ...fixed]).toString();
}

/** Services of old versions do not know all filters, and pass over what they do not know. */
function matches(each: Item, need: ModuleNeed, states: readonly number[]): boolean {
  return each.name === need.name && each.stream === need.stream && (need.version ?? each.version) === each.version && (need.context ?? contextOf(each)) === contextOf(each) && states.includes(each.state);
}

function newestVersion(builds: readonly Pick<Item, 'version'>[]): string | undefined {
  return builds.map(({ version }) => version).reduce<string | undefined>((newest, version) => (newest === undefined || BigInt(version) > BigInt(newest) ? version : newest), undefined);
}

/** Builds from before there were contexts have this one everywhere. */
function contextOf({ context }: Item): string {
  return context ?? '00000000';
}

function asBuild(each: Item, url: string): ModuleBuild {
  const { id, name, stream, version, koji_tag: tag, scratch } = each;
  const builtFor = (each.base_module_buildrequires ?? []).flatMap(({ name: base, stream: of, stream_version: number }): BaseStream[] => (typeof number === 'number' ? [{ name: base, stream: of, streamVersion: number }] : []));
  const build = { name, stream, version, context: contextOf(each) };
  const { requires } = readModulemd(each.modulemd, `the modulemd of ${moduleName(build)}, build ${id} of ${url},`);
  return { ...build, id, requires, builtFor, scratch: scratch === true, ...(tag === null || tag === undefined ? {} : { tag }) };
}
