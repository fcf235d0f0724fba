import { preparedIndex } from './prepare-index.js';
import { statesFolder, type EnginePlace, type RepositoryEngineOptions } from './engine-options.js';
import { findUpload } from '../repository-record/find-upload.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { EngineOptions } from './repository-engine.js';
import type { IndexFile, PlannedState } from '../repository/repository-change.js';

/** What a prune would do, by the record and by what is in the store; nothing is changed by asking. */
export interface ObjectsToPrune {
  /** Packages that no state lists since the grace time: to `.obsolete/`. */
  readonly move: readonly ListedPackage[];
  /** Objects in the repository's own folders that nothing has known for a day: to `.obsolete/`, too. */
  readonly strangers: readonly string[];
  /** Packages in `.obsolete/` whose time there is over. */
  readonly expired: readonly ListedPackage[];
  /** Objects in `.obsolete/` that no package is, whose time is over; index files of states that no client reads any more; uploads that the record does not know. */
  readonly remove: readonly string[];
  /** Packages at their place, before. */
  readonly packages: number;
}

/** Milliseconds: whatever is younger may be on its way into the record. */
const strangerAge = 86_400_000;
const pageSize = 100;

/** With the state that is being made, as it was before the list was looked at. */
export interface PlaceToPrune extends EnginePlace {
  readonly planned: PlannedState | undefined;
}

export async function objectsToPrune(place: PlaceToPrune, options: EngineOptions, engine: RepositoryEngineOptions): Promise<ObjectsToPrune> {
  const { repository, format, planned } = place;
  const now = (engine.now ?? Date.now)();
  const { name, settings } = repository;
  const coming = new Set(planned?.added.map(({ key }) => key));
  const graceEnd = new Date(now - settings.graceSeconds * 1000).toISOString();
  const unlisted = await engine.reads.prunable(name, new Date(now).toISOString());
  const move = (await engine.reads.prunable(name, graceEnd)).filter(({ key }) => !coming.has(key));
  const expired = settings.obsoleteSeconds === null ? [] : (await engine.reads.expired(name, new Date(now - settings.obsoleteSeconds * 1000).toISOString())).filter(({ key }) => !coming.has(key));

  const known = new Set<string>([...unlisted.map(({ path }) => path), ...(planned?.added ?? []).map(({ path }) => path)]);
  let packages = unlisted.length;
  for await (const listed of engine.reads.allPackages(name, repository.state)) {
    known.add(listed.path);
    packages += 1;
  }
  const prepared = planned === undefined ? [] : ((await preparedIndex(planned, options, engine)) ?? []);
  const index = await indexFiles(name, { prepared, since: now - settings.graceSeconds * 1000, engine });
  const folders = new Set([...known, ...index.live, ...index.old].filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/') + 1)));
  const keptObsolete = new Set([...unlisted, ...(planned?.added ?? [])].map(({ path }) => format.obsoletePathOf(path)));
  const others = await foldersOfOthers(place, engine);

  const strangers: string[] = [];
  const remove: string[] = [];
  let seen = 0;
  for await (const { key, modified } of place.store.list('', options)) {
    if ((seen += 1) % 500 === 0) options.onProgress?.({ step: 'list', done: seen, total: seen });
    if (known.has(key) || index.live.has(key) || others.some((folder) => key.startsWith(folder))) continue;
    const age = modified === 0 ? 0 : now - modified;
    if (isObsolete(key)) {
      if (settings.obsoleteSeconds !== null && age > Math.max(strangerAge, settings.obsoleteSeconds * 1000) && !keptObsolete.has(key)) remove.push(key);
    } else if (age <= strangerAge || key.startsWith(statesFolder)) continue;
    else if (key.startsWith('.incoming/')) {
      if ((await findUpload(engine.reads, key.slice('.incoming/'.length))) === undefined) remove.push(key);
    } else if (index.old.has(key)) remove.push(key);
    else if ([...folders].some((folder) => key.startsWith(folder))) strangers.push(key);
  }
  return { move, strangers, expired, remove, packages };
}

/** `.obsolete/…`, and HaikuPorter's `packages/.obsolete/…`. */
const isObsolete = (key: string): boolean => key.startsWith('.obsolete/') || key.includes('/.obsolete/');

/** Index files that some client may be reading, and those of states that are long gone. A state was read until some time after the next one came. */
async function indexFiles(name: string, { prepared, since, engine }: { readonly prepared: readonly IndexFile[]; readonly since: number; readonly engine: RepositoryEngineOptions }): Promise<{ readonly live: ReadonlySet<string>; readonly old: ReadonlySet<string> }> {
  // Of the state that is being made: clients may see it, although it is not recorded yet.
  const live = new Set(prepared.map(({ path }) => path));
  const old = new Set<string>();
  let replacedAt = Infinity;
  let before: number | undefined;
  for (;;) {
    const page = await engine.reads.states(name, { limit: pageSize, ...(before === undefined ? {} : { before }) });
    for (const { state, at, index } of page) {
      // Once more the grace time: `at` is when a state was planned, and it was seen after that.
      for (const { path } of index) (replacedAt >= since - strangerAge ? live : old).add(path);
      replacedAt = Date.parse(at);
      before = state;
    }
    if (page.length < pageSize) return { live, old };
  }
}

/** Folders of other repositories below this one, in the same store. */
async function foldersOfOthers({ repository: { name, place } }: EnginePlace, { reads }: RepositoryEngineOptions): Promise<readonly string[]> {
  const folders: string[] = [];
  const above = place.folder === '' ? '' : `${place.folder}/`;
  let after: string | undefined;
  for (;;) {
    const page = await reads.list({ limit: pageSize, ...(after === undefined ? {} : { after }) });
    for (const other of page) {
      if (other.name !== name && other.place.store === place.store && other.place.folder.startsWith(above)) folders.push(`${other.place.folder.slice(above.length)}/`);
      after = other.name;
    }
    if (page.length < pageSize) return folders;
  }
}
