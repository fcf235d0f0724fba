import { createHash } from 'node:crypto';
import { sweepCacheFiles } from '../../rpm-repository/cache-files.js';
import type { IndexContent, IndexJob, WrittenIndex } from '../package-format.js';
import { chunkDirectory } from './chunk-texts.js';
import { checkDebSettings, debDistribution, debSettingsOf } from './deb-settings.js';
import type { PackagesIndex } from './packages-file.js';
import { releaseText } from './release-text.js';
import { writePackages } from './write-packages.js';

/** Some millions of packages; what is swept is made again. */
const cacheBytes = 4 * 1024 ** 3;
const statesBetweenSweeps = 16;

/**
 * The index of an apt repository: `Packages.gz` by their hashes, which never change, then the signed list of them. `InRelease` comes last: it is what apt begins with.
 * `Release` and its signature come before it, for programs that know no other, which for a moment may see one of a state and the other of the next: they refuse that.
 */
export async function writeDebIndex(job: IndexJob): Promise<WrittenIndex> {
  const settings = debSettingsOf(job.repository.settings);
  checkDebSettings(settings);
  const folder = `dists/${debDistribution(settings)}`;
  const indexes = await writePackages(job, settings);
  const switched = await releaseFiles(folder, releaseText(settings, job.at, indexes), job);
  if (job.state % statesBetweenSweeps === 0) await sweepCacheFiles(chunkDirectory(job.cacheDirectory), cacheBytes);
  return { immutable: indexes.map((index) => byHash(folder, index)), switched };
}

function byHash(folder: string, { component, architecture, packed }: PackagesIndex): IndexContent {
  const { file, sha256, size } = packed;
  return { path: `${folder}/${component}/binary-${architecture}/by-hash/SHA256/${sha256}`, sha256, size, content: { file }, contentType: 'application/gzip' };
}

async function releaseFiles(folder: string, text: string, { keys, repository, at, signal }: IndexJob): Promise<readonly IndexContent[]> {
  const release = Buffer.from(text);
  const names = repository.settings.keys;
  if (names.length === 0) return [textFile(`${folder}/Release`, release)];
  signal?.throwIfAborted();
  const [detached, inline] = await Promise.all([keys.detached(names, release, { at }), keys.cleartext(names, text, { at })]);
  return [
    { ...textFile(`${folder}/Release.gpg`, Buffer.from(detached)), contentType: 'application/pgp-signature' },
    textFile(`${folder}/Release`, release),
    textFile(`${folder}/InRelease`, Buffer.from(inline)),
  ];
}

function textFile(path: string, content: Buffer): IndexContent {
  return { path, sha256: createHash('sha256').update(content).digest('hex'), size: content.length, content, contentType: 'text/plain; charset=utf-8' };
}
