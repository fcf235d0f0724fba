import { createHash } from 'node:crypto';
import { bufferSource } from '../../../haiku/byte-source.js';
import type { ListedPackage } from '../../../repository/listed-package.js';
import type { HaikuSettings, Repository } from '../../../repository/repository.js';
import type { SigningKeys } from '../../../signing/signer.js';
import type { IndexJob, InspectedPackage } from '../../package-format.js';
import { haikuFormat } from '../haiku-format.js';

export const haikuSettings: HaikuSettings = {
  name: 'Bench',
  identifier: 'tag:farm.example,2026:repositories/stable',
  baseUrl: 'https://farm.example/repositories/stable',
  vendor: 'Example Farm',
  summary: 'What the farm has built',
  priority: 1,
  architecture: 'x86_64',
};

export function haikuRepository({ haiku = haikuSettings, keys = [] }: { readonly haiku?: HaikuSettings; readonly keys?: readonly string[] } = {}): Repository {
  return {
    name: 'stable',
    kind: 'haiku',
    place: { store: 'default', folder: 'stable' },
    settings: {
      haiku,
      rpm: null,
      deb: null,
      keys,
      keepVersions: 1,
      guard: { packages: 100, share: 0.5 },
      graceSeconds: 3600,
      obsoleteSeconds: null,
      checkSeconds: null,
      upstream: null,
    },
    state: 0,
    packages: 0,
    bytes: 0,
    createdAt: '2026-01-01T00:00:00Z',
    createdBy: 'somebody',
    changedAt: '2026-01-01T00:00:00Z',
  };
}

export const unsigned: SigningKeys = {
  list: () => Promise.resolve([]),
  detached: () => Promise.reject(new Error('haiku has no OpenPGP signatures')),
  cleartext: () => Promise.reject(new Error('haiku has no OpenPGP signatures')),
  minisign: () => Promise.reject(new Error('no key was named')),
  close: () => Promise.resolve(),
};

export interface Knowledge {
  readonly listed: ListedPackage;
  readonly metadata: Buffer;
}

export async function knowledgeOf(file: Buffer): Promise<Knowledge> {
  const sha256 = createHash('sha256').update(file).digest('hex');
  const inspected = await haikuFormat.inspect(bufferSource(file), { sha256, settings: haikuRepository().settings });
  return listedAs(inspected, { sha256, size: file.length });
}

export function listedAs({ metadata, key, name, version, architecture }: InspectedPackage, { sha256, size }: { readonly sha256: string; readonly size: number }): Knowledge {
  const path = haikuFormat.pathOf({ metadata, key, name, version, architecture }, '');
  return { metadata, listed: { key, sha256, size, path, name, version, architecture, component: '', addedAt: '2026-01-01T00:00:00Z' } };
}

/** A job as the engine gives it, which counts what it is asked for. */
export function indexJob(known: readonly Knowledge[], options: { readonly repository?: Repository; readonly keys?: SigningKeys; readonly cacheDirectory: string }): IndexJob & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    repository: options.repository ?? haikuRepository(),
    state: 1,
    at: '2026-11-21T12:00:00Z',
    async *packages() {
      yield* known.map(({ listed }) => listed);
    },
    metadata(digests) {
      asked.push(...digests);
      return Promise.resolve(new Map(known.filter(({ listed }) => digests.includes(listed.sha256)).map(({ listed, metadata }) => [listed.sha256, metadata])));
    },
    keys: options.keys ?? unsigned,
    workDirectory: options.cacheDirectory,
    cacheDirectory: options.cacheDirectory,
  };
}
