import { createHash } from 'node:crypto';
import type { ListedPackage } from '../../../repository/listed-package.js';
import type { DebSettings, Repository, RepositorySettings } from '../../../repository/repository.js';
import { openSigningKeys } from '../../../signing/open-signing-keys.js';
import type { SigningKeys } from '../../../signing/signer.js';
import { debFormat } from '../deb-format.js';
import type { IndexJob, PackageBytes } from '../../package-format.js';

export const debSettings: DebSettings = {
  origin: 'Build Farm',
  label: 'Build Farm',
  suite: 'rye',
  codename: 'secale',
  description: 'Packages of a build farm',
  components: ['main', 'extra'],
  architectures: ['amd64', 'arm64'],
  validSeconds: null,
};

export function repositorySettings(deb: Partial<DebSettings> = {}, keys: readonly string[] = ['default']): RepositorySettings {
  const none = { haiku: null, rpm: null, keepVersions: null, obsoleteSeconds: null, checkSeconds: null, upstream: null };
  return { ...none, deb: { ...debSettings, ...deb }, keys, guard: { packages: 100, share: 0.5 }, graceSeconds: 0 };
}

export function specRepository(settings: RepositorySettings): Repository {
  const at = '2024-11-21T20:00:00Z';
  return { name: 'farm', kind: 'deb', place: { store: 'specs', folder: '' }, settings, state: 0, packages: 0, bytes: 0, createdAt: at, createdBy: 'specs', changedAt: at };
}

export function bytesOf(buffer: Buffer): PackageBytes & { readonly reads: (readonly [number, number])[] } {
  const reads: (readonly [number, number])[] = [];
  return {
    size: buffer.length,
    reads,
    read(offset, length) {
      reads.push([offset, length]);
      return offset + length <= buffer.length ? Promise.resolve(buffer.subarray(offset, offset + length)) : Promise.reject(new Error('the specs asked for bytes that are not there'));
    },
  };
}

/** A package as a repository lists it, and what the record knows of it. */
export interface KnownDeb {
  readonly listed: ListedPackage;
  readonly metadata: Buffer;
  readonly bytes: Buffer;
}

export async function knowDeb(bytes: Buffer, settings = repositorySettings(), component = 'main'): Promise<KnownDeb> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const inspected = await debFormat.inspect(bytesOf(bytes), { sha256, settings });
  const { key, name, version, architecture, metadata } = inspected;
  const listed = { key, name, version, architecture, component, sha256, size: bytes.length, path: debFormat.pathOf(inspected, component), addedAt: '2024-11-21T20:00:00Z' };
  return { listed, metadata, bytes };
}

export interface JobOptions {
  readonly workDirectory: string;
  readonly cacheDirectory: string;
  readonly keys: SigningKeys;
  readonly state?: number;
  readonly at?: string;
  readonly settings?: RepositorySettings;
}

/** A job over packages that are in memory; `asked`: the digests that metadata were asked for, by call. */
export function indexJob(known: readonly KnownDeb[], options: JobOptions): IndexJob & { readonly asked: (readonly string[])[] } {
  const { workDirectory, cacheDirectory, keys, state = 1, at = '2024-11-21T20:07:50.123Z', settings = repositorySettings() } = options;
  const sorted = [...known].sort((one, other) => (one.listed.key < other.listed.key ? -1 : 1));
  const metadata = new Map(known.map((each) => [each.listed.sha256, each.metadata]));
  const asked: (readonly string[])[] = [];
  return {
    repository: specRepository(settings),
    state,
    at,
    workDirectory,
    cacheDirectory,
    keys,
    asked,
    async *packages() {
      for (const { listed } of sorted) yield await Promise.resolve(listed);
    },
    metadata(digests) {
      asked.push(digests);
      return Promise.resolve(new Map(digests.flatMap((digest) => (metadata.has(digest) ? [[digest, metadata.get(digest) as Buffer] as const] : []))));
    },
  };
}

export interface SpecKeys {
  readonly keys: SigningKeys;
  readonly publicKey: string;
  readonly fingerprint: string;
}

/** The service's own keys in a home of their own, with the one that it makes itself. */
export async function openSpecKeys(home: string): Promise<SpecKeys> {
  const keys = await openSigningKeys({ home, repositoryKeysFile: undefined }, {});
  await keys.detached(['default'], Buffer.from('a key is made at its first use'));
  const [{ publicKey = '', fingerprint = '' } = {}] = await keys.list();
  return { keys, publicKey, fingerprint };
}
