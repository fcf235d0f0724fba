import { readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { openDirectoryStore } from '../../libs/object-storage/directory/open-directory-store.js';
import type { ListedPackage } from '../../libs/repository/listed-package.js';
import type { Repository } from '../../libs/repository/repository.js';
import type { IndexJob, PackageBytes, WrittenIndex } from '../../libs/repository-formats/package-format.js';
import { rpmFormat } from '../../libs/repository-formats/rpm/rpm-format.js';
import { readPackageRecord } from '../../libs/rpm-repository/read-package-record.js';

/**
 * Run as a process of its own, so that nothing but files is left of earlier measurements: `measure-publish.js <packages> <list> <cache> <store> <added>`; prints one line of JSON. A small
 * repository, elsewhere, has the code compiled first, as a service's is. What is known of packages comes out of their files here, as it would come out of the database.
 */
export interface PublishMeasurement {
  /** Of inspecting the added package, of writing the index, and of bringing both into the store. */
  readonly milliseconds: number;
  readonly writing: number;
  /** Milliseconds of processor time, all threads, of the whole. */
  readonly cpu: number;
  /** The most that the process had resident, in bytes. */
  readonly memory: number;
  /** Bytes that went into the store: the index and the package. */
  readonly uploaded: number;
  /** Packages of which what is known was asked for. */
  readonly asked: number;
}

const settings: Repository['settings'] = {
  haiku: null,
  rpm: { compression: 'gzip', packageKeys: [] },
  deb: null,
  keys: [],
  keepVersions: null,
  guard: { packages: 100, share: 0.5 },
  graceSeconds: 3600,
  obsoleteSeconds: null,
  checkSeconds: null,
  upstream: null,
};
const at = '2026-11-21T12:00:00Z';
const repository: Repository = { name: 'bench', kind: 'rpm', place: { store: 'default', folder: '' }, settings, state: 0, packages: 0, bytes: 0, createdAt: at, createdBy: 'bench', changedAt: at };

const [, , directory = '', list = '', cacheDirectory = '', storeDirectory = '', addedPath = ''] = process.argv;
const packages = JSON.parse(readFileSync(list, 'utf8')) as readonly ListedPackage[];
const files = new Map(packages.map(({ sha256, path: file }) => [sha256, path.join(directory, file)]));

function createJob(listed: readonly ListedPackage[], places: { readonly cache: string; readonly work: string }): IndexJob & { asked: number } {
  return {
    asked: 0,
    repository,
    state: 1,
    at,
    async *packages() {
      yield* listed;
    },
    async metadata(digests) {
      this.asked += digests.length;
      return new Map(await Promise.all(digests.map(async (digest) => [digest, await readPackageRecord(files.get(digest) ?? '', digest)] as const)));
    },
    keys: { list: async () => [], detached: unsigned, cleartext: unsigned, minisign: unsigned, close: async () => undefined },
    workDirectory: places.work,
    cacheDirectory: places.cache,
  };
}

async function unsigned(): Promise<never> {
  throw new Error('the repository of the measurement is not signed');
}

/** As from an object of a store: range by range. */
async function inspect({ sha256, size }: ListedPackage): Promise<void> {
  const handle = await open(files.get(sha256) ?? '', 'r');
  const bytes: PackageBytes = { size, read: async (offset, length) => (await handle.read(Buffer.alloc(length), 0, length, offset)).buffer };
  try {
    await rpmFormat.inspect(bytes, { sha256, settings });
  } finally {
    await handle.close();
  }
}

async function upload({ immutable, switched }: WrittenIndex, added: ListedPackage): Promise<number> {
  const store = openDirectoryStore(storeDirectory);
  await store.put(added.path, { file: files.get(added.sha256) ?? '' }, { sha256: added.sha256 });
  for (const { path: key, content, sha256 } of [...immutable, ...switched]) await store.put(key, content, { sha256 });
  store.close();
  return [...immutable, ...switched, added].reduce((sum, { size }) => sum + size, 0);
}

const work = `${storeDirectory}-work`;
await rpmFormat.writeIndex(createJob(packages.slice(0, 500), { cache: `${work}-cache`, work }));
for (const each of [work, `${work}-cache`]) rmSync(each, { recursive: true, force: true });

const added = packages.find(({ path: file }) => file === addedPath) ?? packages[0];
if (added === undefined) throw new Error('there are no packages to measure');
const [start, used] = [performance.now(), process.cpuUsage()];
await inspect(added);
const job = createJob(packages, { cache: cacheDirectory, work });
const beforeWriting = performance.now();
const index = await rpmFormat.writeIndex(job);
const writing = performance.now() - beforeWriting;
const uploaded = await upload(index, added);
const { user, system } = process.cpuUsage(used);
const measurement: PublishMeasurement = {
  milliseconds: performance.now() - start,
  writing,
  cpu: (user + system) / 1000,
  memory: process.resourceUsage().maxRSS * 1024,
  uploaded,
  asked: job.asked,
};
rmSync(work, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify(measurement)}\n`);
