import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { forEachAtOnce } from '../compose-engine/for-each-at-once.js';
import { isMillraceError, MillraceError, type ErrorCode } from '../errors/millrace-error.js';
import { derivedUuid } from '../repository-engine/derived-uuid.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import type { RepositoryCommands, RepositoryReads } from '../repository-record/repository-record.js';
import type { RepositoryStores } from '../repository-stores/repository-stores.js';
import { guardDrop } from '../repository/guard.js';
import type { PackageOrigin } from '../repository/listed-package.js';
import type { ChangeRequest } from '../repository/repository-change.js';
import type { Repository, RepositoryKind, UpstreamSettings } from '../repository/repository.js';
import { compareWithUpstream, type UpstreamDifference } from './compare-with-upstream.js';
import { storePlace, type OpenExistingPlace } from './existing-places.js';
import type { ExistingPackage, ExistingPlace, ReadExistingRepository } from './existing-repository.js';
import { takePackage, type TakeParts, type Taking } from './take-package.js';
import { refuseOlderIndex, rememberIndex, type UpstreamMemory } from './upstream-memory.js';

export interface SynchroniseParts extends TakeParts {
  readonly commands: Pick<RepositoryCommands, 'addUpload' | 'describeUpload' | 'requestChange'>;
  readonly reads: Pick<RepositoryReads, 'get' | 'allPackages' | 'upload' | 'package'>;
  readonly stores: Pick<RepositoryStores, 'open'>;
  readonly formats: Readonly<Record<RepositoryKind, PackageFormat>>;
  readonly openPlace: OpenExistingPlace;
  readonly readers: Readonly<Record<RepositoryKind, ReadExistingRepository>>;
  /** Absolute path of a folder for work files. */
  readonly workRoot: string;
  /** A change was made durable: whoever carries changes out looks again. */
  readonly onRequested?: (repository: string) => Promise<void>;
}

export interface SynchroniseOptions {
  readonly from: Pick<UpstreamSettings, 'url' | 'keys'>;
  /** What the upstream does not list leaves the repository. */
  readonly mirror: boolean;
  readonly by: string;
  /** Of this synchronisation: repeated with the same one, the same changes are asked for. */
  readonly runId: string;
  /** Says what would be done; fetches no package. */
  readonly dryRun: boolean;
  /** Take out as much as the upstream has dropped, whatever the guard says. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly step: string; readonly done: number; readonly total: number }) => void;
}

export interface SynchroniseResult {
  readonly repository: string;
  readonly upstream: string;
  /** Of the index that was read; see `ExistingRepository`. */
  readonly indexSha256: string;
  /** Packages that the upstream lists. */
  readonly listed: number;
  /** Those that were not here, and bytes of them. */
  readonly wanted: number;
  readonly taken: number;
  readonly bytes: number;
  /** Keys; empty while packages of the upstream could not be had. */
  readonly removed: readonly string[];
  /** At most `shownRefusals`; `refusals` are all. */
  readonly refused: readonly RefusedPackage[];
  readonly refusals: number;
  /** Ids; the repository's workflow carries them out. */
  readonly changes: readonly string[];
}

export interface RefusedPackage {
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Of one change; what waits goes into one state together. */
const [changePackages, changeBytes] = [500, 4 * 1024 ** 3];
/** What one change may take out. */
const changeRemovals = 10_000;
const fetchesAtOnce = 4;
const shownRefusals = 1000;

/** What can never be, whoever has it: the rest goes on without it. */
const faultsOfPackage: ReadonlySet<ErrorCode> = new Set(['package-invalid', 'package-conflict', 'payload-too-large']);
/** The upstream is not what its index says: nothing is taken out on its word. */
const faultsOfUpstream: ReadonlySet<ErrorCode> = new Set(['digest-mismatch', 'source-invalid', 'source-changed', 'forbidden']);

/**
 * Takes over what another repository lists: only what is not here is fetched, each package checked against the index, the index against its signature where keys are given.
 * Changes of bounded size are asked for as packages arrive; broken off at any point, the next attempt goes on with what is there. Errors: `source-unavailable`, `source-changed`
 * (worth another attempt), `source-invalid`, `forbidden`, `change-guarded` (it would take out too much), those of the store.
 */
export async function synchroniseRepository(parts: SynchroniseParts, name: string, options: SynchroniseOptions): Promise<SynchroniseResult> {
  const repository = await parts.reads.get(name);
  const place = parts.openPlace(options.from.url);
  const { indexSha256, serial, difference } = await compare(parts, repository, { place, options });
  const gone = options.mirror ? difference.gone : [];
  guard(repository, { difference, gone, options });
  if (options.mirror && !options.dryRun) await rememberIndex({ serial }, memoryOf(parts, repository, options));
  const run = createRun(parts, { repository, place, options });
  if (!options.dryRun) {
    await run.take(difference.wanted);
    if (!run.upstreamAtFault()) await run.remove(gone);
  }
  const { taken, bytes, refused, refusals, changes } = run.done();
  return { repository: name, upstream: place.name, indexSha256, listed: difference.listed, wanted: difference.wanted.length, taken, bytes, removed: run.upstreamAtFault() ? [] : gone, refused, refusals, changes };
}

interface Upstream {
  readonly place: ExistingPlace;
  readonly options: SynchroniseOptions;
}

async function compare(parts: SynchroniseParts, repository: Repository, { place, options }: Upstream): Promise<{ readonly indexSha256: string; readonly serial: number | undefined; readonly difference: UpstreamDifference }> {
  const { name, kind, state, settings } = repository;
  await mkdir(parts.workRoot, { recursive: true, mode: 0o700 });
  const workDirectory = await mkdtemp(path.join(parts.workRoot, 'import-'));
  const onProgress = (): void => options.onProgress?.({ step: 'index', done: 0, total: 1 });
  const deb = settings.deb === null ? {} : { deb: { suite: settings.deb.suite, components: settings.deb.components, architectures: settings.deb.architectures } };
  try {
    const existing = await parts.readers[kind](place, { keys: options.from.keys ?? [], workDirectory, signal: options.signal, onProgress, ...deb });
    if (options.mirror) await refuseOlderIndex(existing, memoryOf(parts, repository, options));
    return { indexSha256: existing.indexSha256, serial: existing.serial, difference: await compareWithUpstream(existing, parts.reads.allPackages(name, state)) };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

function memoryOf({ stores }: SynchroniseParts, { place }: Repository, { from, force, signal }: SynchroniseOptions): UpstreamMemory {
  return { store: stores.open(place), url: from.url, force, signal };
}

/** An upstream that answers with an empty or truncated index must not empty its mirror, neither at once nor by many small changes. */
function guard({ name, packages, settings }: Repository, { difference, gone, options }: { readonly difference: UpstreamDifference; readonly gone: readonly string[]; readonly options: SynchroniseOptions }): void {
  if (options.force || options.dryRun || gone.length === 0) return;
  const suggestion = 'Look at the upstream, and at what a dry run says; if it is meant, synchronise by force.';
  if (difference.listed === 0) throw new MillraceError('change-guarded', `the upstream of ${name} lists no packages at all, and ${name} has ${packages}: nothing was changed`, { suggestion });
  const problem = guardDrop(settings.guard, { listed: packages, removed: gone });
  if (problem !== undefined) throw new MillraceError('change-guarded', `synchronising ${name} ${problem.message}`, { details: problem.details, suggestion });
}

/** Places of this machine have no URL of their own. */
function originOf(name: string): PackageOrigin {
  if (/^https?:/.test(name)) return { url: name };
  return name.startsWith('/') ? { url: pathToFileURL(name).href } : { build: name };
}

function createRun(parts: SynchroniseParts, { repository, place, options }: Upstream & { readonly repository: Repository }) {
  const { signal, by, from } = options;
  const store = parts.stores.open(repository.place);
  const own = storePlace(from.url);
  const inPlace = own !== undefined && own.store === repository.place.store && own.folder === repository.place.folder;
  const origin = originOf(place.name);
  const refused: RefusedPackage[] = [];
  const changes: string[] = [];
  let [taken, bytes, refusals, upstreamFaults, done] = [0, 0, 0, 0, 0];
  let batch = { uploads: [] as string[], bytes: 0 };

  async function request(change: Extract<ChangeRequest, { readonly kind: 'synchronise' }>): Promise<void> {
    const id = derivedUuid(`${options.runId}\n${JSON.stringify(change)}`);
    await parts.commands.requestChange({ id, repository: repository.name, request: change, by, force: options.force });
    changes.push(id);
    await parts.onRequested?.(repository.name);
  }

  async function flush(): Promise<void> {
    const { uploads } = batch;
    batch = { uploads: [], bytes: 0 };
    if (uploads.length > 0) await request({ kind: 'synchronise', uploads: uploads.toSorted(), remove: [], origin });
  }

  async function takeOne(wanted: ExistingPackage, taking: Taking): Promise<void> {
    try {
      const package_ = await takePackage(wanted, taking);
      taken += 1;
      bytes += package_.bytes;
      batch.uploads.push(package_.upload);
      batch.bytes += package_.bytes;
    } catch (error) {
      signal.throwIfAborted();
      if (!isMillraceError(error) || !(faultsOfPackage.has(error.code) || faultsOfUpstream.has(error.code))) throw error;
      refusals += 1;
      if (faultsOfUpstream.has(error.code)) upstreamFaults += 1;
      if (refused.length < shownRefusals) refused.push({ path: wanted.path, code: error.code, reason: error.message });
    }
    if (batch.uploads.length >= changePackages || batch.bytes >= changeBytes) await flush();
  }

  return {
    async take(wanted: readonly ExistingPackage[]): Promise<void> {
      const report = (): void => options.onProgress?.({ step: 'packages', done, total: wanted.length });
      const taking: Taking = { parts, repository, store, format: parts.formats[repository.kind], place, inPlace, by, signal, onProgress: report };
      try {
        await forEachAtOnce(wanted, fetchesAtOnce, async (each) => {
          await takeOne(each, taking);
          done += 1;
          report();
        });
      } finally {
        // What has arrived is not lost with what has not.
        if (!signal.aborted) await flush();
      }
    },
    async remove(keys: readonly string[]): Promise<void> {
      for (let at = 0; at < keys.length; at += changeRemovals) await request({ kind: 'synchronise', uploads: [], remove: keys.slice(at, at + changeRemovals), origin });
    },
    upstreamAtFault: () => upstreamFaults > 0,
    done: () => ({ taken, bytes, refused, refusals, changes }),
  };
}
