import { readDebRepository } from '../repository-formats/deb/read-deb-repository.js';
import { readHaikuRepository } from '../repository-formats/haiku/read-haiku-repository.js';
import { readRpmRepository } from '../repository-formats/rpm/read-rpm-repository.js';
import type { RepositoryKind } from '../repository/repository.js';
import type { ExistingPackage, ReadExistingRepository } from './existing-repository.js';

const readRpm: ReadExistingRepository = async (place, { keys, signal, onProgress }) => {
  const progress = onProgress === undefined ? {} : { onProgress };
  const { revision, repomdSha256, packages } = await readRpmRepository({ open: (path, { limit }) => place.open(path, { limit, signal, ...progress }) }, { signal, ...(keys.length === 0 ? {} : { publicKeys: keys.join('\n') }) });
  return {
    kind: 'rpm',
    indexSha256: repomdSha256,
    serial: /^\d{1,15}$/.test(revision) ? Number(revision) : undefined,
    async *packages(): AsyncGenerator<ExistingPackage, void> {
      for (const { path, checksum, size, key } of packages) yield { path, size, checksum: { algorithm: checksum.algorithm, value: checksum.hex }, component: '', ...(key === undefined ? {} : { key }) };
    },
    describes: {},
  };
};

/** What reads the index of each kind. */
export const existingRepositoryReaders: Readonly<Record<RepositoryKind, ReadExistingRepository>> = { haiku: readHaikuRepository, rpm: readRpm, deb: readDebRepository };
