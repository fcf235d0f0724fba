import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { ListedPackage } from '../../../repository/listed-package.js';
import type { Repository, RepositorySettings, RpmSettings } from '../../../repository/repository.js';
import type { SigningKeys } from '../../../signing/signer.js';
import { sha256 } from '../../../rpm/__fixtures__/build-package.js';
import type { IndexJob, PackageBytes } from '../../package-format.js';
import { rpmFormat } from '../rpm-format.js';

/** Of which ranges are read; `asked`: how many bytes, request by request. */
export function bytesOf(content: Buffer): PackageBytes & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    size: content.length,
    async read(offset, length) {
      asked.push(length);
      if (length < 0 || offset + length > content.length) throw new Error(`${offset} and ${length} bytes of ${content.length}`);
      return Buffer.from(content.subarray(offset, offset + length));
    },
  };
}

export function settingsWith(rpm: Partial<RpmSettings> = {}, keys: readonly string[] = []): RepositorySettings {
  return {
    haiku: null,
    rpm: { compression: 'gzip', packageKeys: [], ...rpm },
    deb: null,
    keys,
    keepVersions: null,
    guard: { packages: 100, share: 0.5 },
    graceSeconds: 3600,
    obsoleteSeconds: null,
    checkSeconds: null,
    upstream: null,
  };
}

/** What a record knows: packages and their metadata, by digest, without the packages. */
export interface KnownPackages {
  readonly packages: ListedPackage[];
  readonly metadata: Map<string, Buffer>;
  readonly add: (content: Buffer, addedAt?: string) => Promise<ListedPackage>;
}

export function createKnownPackages(settings: RepositorySettings = settingsWith()): KnownPackages {
  const packages: ListedPackage[] = [];
  const metadata = new Map<string, Buffer>();
  return {
    packages,
    metadata,
    async add(content, addedAt = '2026-11-21T12:00:00Z') {
      const digest = sha256(content);
      const inspected = await rpmFormat.inspect(bytesOf(content), { sha256: digest, settings });
      const { key, name, version, architecture } = inspected;
      const listed = { key, sha256: digest, size: content.length, path: rpmFormat.pathOf(inspected, ''), name, version, architecture, component: '', addedAt };
      metadata.set(digest, inspected.metadata);
      packages.push(listed);
      packages.sort((one, other) => (one.key < other.key ? -1 : 1));
      return listed;
    },
  };
}

export interface JobOptions {
  /** For folders of the job and the cache. */
  readonly root: string;
  readonly known: Pick<KnownPackages, 'packages' | 'metadata'>;
  readonly settings?: RepositorySettings;
  readonly keys?: SigningKeys;
  readonly at?: string;
  readonly cache?: string;
  readonly signal?: AbortSignal;
}

/** `asked`: digests of which metadata were asked for. */
export function createJob({ root, known, settings = settingsWith(), keys = noKeys, at = '2026-11-21T12:34:56Z', cache = 'cache', signal }: JobOptions): IndexJob & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    repository: sampleRepository(settings),
    state: 1,
    at,
    async *packages() {
      yield* known.packages;
    },
    async metadata(digests) {
      asked.push(...digests);
      return new Map(digests.flatMap((digest) => (known.metadata.has(digest) ? [[digest, known.metadata.get(digest) as Buffer]] : [])));
    },
    keys,
    workDirectory: mkdtempSync(path.join(root, 'job-')),
    cacheDirectory: path.join(root, cache),
    ...(signal === undefined ? {} : { signal }),
  };
}

function sampleRepository(settings: RepositorySettings): Repository {
  return { name: 'sample', kind: 'rpm', place: { store: 'default', folder: 'sample' }, settings, state: 0, packages: 0, bytes: 0, createdAt: '2026-11-21T12:00:00Z', createdBy: 'ada', changedAt: '2026-11-21T12:00:00Z' };
}

const unexpected = (): never => {
  throw new Error('an unsigned repository asks for no key');
};
const noKeys: SigningKeys = { list: unexpected, detached: unexpected, cleartext: unexpected, minisign: unexpected, close: async () => undefined };
