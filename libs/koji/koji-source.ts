import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import canonicalize from 'canonicalize';
import type { PinnedKoji } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import { sweepCache } from '../repository-source/cache-files.js';
import { createChecksumIndex } from '../repository-source/checksum-index.js';
import type { ContentStore } from '../repository-source/content-store.js';
import { isMissingFile } from '../repository-source/download.js';
import type { LoadedRepository, LoadOptions, RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { isMissing } from '../errors/system-error.js';
import { inOrder } from '../rpm-repository/in-order.js';
import type { AvailablePackage } from '../rpm/repository/available-package.js';
import { fetchKojiFile } from './fetch-koji-file.js';
import type { KojiHub } from './koji-hub.js';
import { lastEvent } from './koji-calls.js';
import { kojiListing, listKoji, settleEvent, type KojiListing, type KojiMoment, type KojiRequest, type KojiRpm } from './koji-listing.js';
import { createKojiModules, type KojiModules } from './koji-modules.js';
import type { ModuleContent } from './module-contents.js';
import { createPackageHeads } from './package-heads.js';
import { locationBelow, placesOf } from './package-places.js';
import { filesGone, withScratchBuilds } from './scratch-builds.js';

/** The packages of a hub's tags and builds, as a repository offers its own. Errors: those of `KojiHub` and `RepositorySource`; `unresolvable`. */
export interface KojiSource {
  readonly modules: KojiModules;
  /** The event that a request means; null: none. */
  settle(request: KojiRequest, options: SourceOptions): Promise<number | null>;
  /** Settles the event and keeps what the hub has of the request then, and of modules. */
  pin(request: KojiRequest, options: SourceOptions, contents?: readonly ModuleContent[]): Promise<PinnedKoji>;
  /** Number of the last thing that has happened in the hub. */
  lastEvent(options: SourceOptions): Promise<number>;
  /** The very packages that were pinned. */
  load(request: KojiRequest, pinned: PinnedKoji, options: LoadKojiOptions): Promise<LoadedKoji>;
  /** Removes what was learnt of packages that nobody has used for this long. Answers how many files. */
  sweep(idleMilliseconds: number): Promise<number>;
}

export interface LoadKojiOptions extends Omit<LoadOptions, 'onProgress'> {
  /** Packages whose head was read. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LoadedKoji extends Omit<LoadedRepository, 'repomd'> {
  /** Undefined for files that are not of this hub. */
  fetch(location: string, options: SourceOptions): Promise<{ readonly sha256: string; readonly size: number }> | undefined;
  /** Of packages that have a wanted key in the hub, but no file signed with it. */
  readonly withoutCopy: readonly string[];
  /** The architectures whose trees a package of a module is for; undefined: it is of no module. */
  treesOf(location: string): readonly string[] | undefined;
}

export interface KojiSourceOptions {
  readonly hub: KojiHub;
  /** URL or absolute path of Koji's top directory. */
  readonly top: string;
  readonly source: Pick<RepositorySource, 'open' | 'clone'>;
  readonly content: ContentStore;
  /** Absolute path: what can all be made again. Processes may share it. */
  readonly directory: string;
}

const headsAtOnce = 16;

export function createKojiSource({ hub, top, source, content, directory }: KojiSourceOptions): KojiSource {
  const [headDirectory, checksumDirectory] = [path.join(directory, 'heads'), path.join(directory, 'checksums')];
  for (const each of [headDirectory, checksumDirectory]) mkdirSync(each, { recursive: true, mode: 0o700 });
  const heads = createPackageHeads({ source, directory: headDirectory });
  const known = createChecksumIndex(checksumDirectory);

  async function keepListing(request: KojiRequest, moment: KojiMoment, signal: AbortSignal): Promise<string> {
    const listing = await withScratchBuilds({ hub, top, source }, await listKoji(hub, request, moment, signal), request, { signal });
    const bytes = Buffer.from(canonicalize(listing) as string);
    return (await content.add(once(bytes))).sha256;
  }

  /** What another machine has pinned is asked for again: an event says the same of the tag, but not of its signatures. */
  async function readListing(request: KojiRequest, { event, listing }: PinnedKoji, signal: AbortSignal): Promise<KojiListing> {
    if (!(await isKept(content, listing)) && (await keepListing(request, { event, contents: [] }, signal)) !== listing) {
      throw new MillraceError('source-changed', `the Koji hub ${hub.url} has other packages or signatures than when they were pinned at event ${event ?? 'none'}`);
    }
    return kojiListing.parse(JSON.parse(await readFile(content.file(listing), 'utf8')));
  }

  /** The best file that is there, with what its head says. */
  async function findFile(rpm: KojiRpm, sigkeys: readonly string[], { index, signal }: LoadKojiOptions): Promise<{ readonly offered: AvailablePackage; readonly missing: boolean }> {
    const locations = placesOf(rpm, sigkeys).map((place) => locationBelow(top, place));
    for (const [attempt, location] of locations.entries()) {
      try {
        const { sourceRpm, dependencies, files, buildTime } = await heads.read(rpm, location, { signal });
        const { name, epoch, version, release, arch } = rpm;
        const offered: AvailablePackage = { name, epoch, version, release, arch, repository: index, checksum: { algorithm: 'md5', hex: rpm.payloadHash }, location, size: 0, fileTime: buildTime, sourceRpm, dependencies, files };
        return { offered, missing: attempt > 0 };
      } catch (error) {
        if (!isMissingFile(error)) throw error;
      }
    }
    if (rpm.task !== undefined) throw filesGone(hub, [rpm.task]);
    throw new MillraceError('source-invalid', `${locations.at(-1)} does not exist, although the Koji hub ${hub.url} has that package`);
  }

  return {
    modules: createKojiModules({ hub, top, source }),
    settle: (request, { signal }) => settleEvent(hub, request, signal),
    async pin(request, { signal }, contents = []) {
      const event = await settleEvent(hub, request, signal);
      return { hub: hub.url, event, listing: await keepListing(request, { event, contents }, signal) };
    },
    lastEvent: ({ signal }) => lastEvent(hub, signal),
    async load(request, pinned, options) {
      const { rpms } = await readListing(request, pinned, options.signal);
      const byLocation = new Map<string, KojiRpm>();
      const [packages, withoutCopy]: [AvailablePackage[], string[]] = [[], []];
      for await (const { rpm, offered, missing } of inOrder(rpms, headsAtOnce, async (each) => ({ rpm: each, ...(await findFile(each, request.sigkeys, options)) }))) {
        byLocation.set(offered.location, rpm);
        packages.push(offered);
        options.onProgress?.(packages.length, rpms.length);
        if (missing) withoutCopy.push(offered.location);
      }
      return {
        url: hub.url,
        packages,
        withoutCopy,
        findFileOwners: (paths) => findOwners(paths),
        groups: () => Promise.resolve(undefined),
        modules: () => Promise.resolve(undefined),
        treesOf: (location) => byLocation.get(location)?.trees,
        fetch(location, how) {
          const rpm = byLocation.get(location);
          return rpm === undefined ? undefined : fetchKojiFile({ source, content, known }, rpm, location, how);
        },
      };

      async function findOwners(paths: ReadonlySet<string>): Promise<Map<string, AvailablePackage[]>> {
        const owners = new Map<string, AvailablePackage[]>();
        for (const item of paths.size === 0 ? [] : packages) {
          const { otherFiles } = await heads.read(byLocation.get(item.location) as KojiRpm, item.location, { signal: options.signal });
          for (const file of otherFiles) if (paths.has(file)) owners.set(file, [...(owners.get(file) ?? []), item]);
        }
        return owners;
      }
    },
    sweep: async (idleMilliseconds) => (await sweepCache(headDirectory, idleMilliseconds)) + (await sweepCache(checksumDirectory, idleMilliseconds)),
  };
}

async function isKept(content: ContentStore, sha256: string): Promise<boolean> {
  if (!(await content.has(sha256))) return false;
  const bytes = await readFile(content.file(sha256)).catch((error: unknown) => {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  });
  return createHash('sha256').update(bytes).digest('hex') === sha256;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
