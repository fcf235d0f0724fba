import { hash } from 'node:crypto';
import { mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { isMissing } from '../../errors/system-error.js';
import type { RpmSettings } from '../../repository/repository.js';
import { writeRepomd } from '../../rpm/metadata/repository-documents.js';
import type { RepomdFile } from '../../rpm/metadata/repomd.js';
import { sweepCacheFiles } from '../../rpm-repository/cache-files.js';
import { createChunkCache, type LoadRecords } from '../../rpm-repository/chunk-cache.js';
import { isRecordOf } from '../../rpm-repository/package-record.js';
import type { RepositoryPackage } from '../../rpm-repository/repository-writer.js';
import { writeDocuments } from '../../rpm-repository/write-repodata.js';
import type { SigningKey } from '../../signing/signer.js';
import type { IndexContent, IndexJob, WrittenIndex } from '../package-format.js';

const defaults: RpmSettings = { compression: 'gzip', packageKeys: [] };
/** Of all repositories of this machine: compressed chunks of those that changed last. */
const maxCacheBytes = 8 * 1024 * 1024 * 1024;
const sweepMilliseconds = 60 * 60 * 1000;

/**
 * Writes the metadata of a state out of what is known of its packages. Chunks of packages that an earlier state had too are taken from the cache: nothing of them is
 * read, made or compressed again. Errors: `source-invalid` (what is known of a package is lost), `key-not-found`, `storage-full`, `signing-unavailable`.
 */
export async function writeRpmIndex(job: IndexJob): Promise<WrittenIndex> {
  const { compression } = job.repository.settings.rpm ?? defaults;
  const revision = toSeconds(job.at);
  const [directory, cacheDirectory] = [path.join(job.workDirectory, 'repodata'), path.join(job.cacheDirectory, 'rpm-chunks')];
  for (const each of [directory, cacheDirectory]) await mkdir(each, { recursive: true });
  const chunks = createChunkCache(cacheDirectory, loadFrom(job));
  const options = { packages: await listPackages(job), revision, compression, ...(job.signal === undefined ? {} : { signal: job.signal }) };
  const files = await writeDocuments(directory, options, (some) => chunks(some, options));
  await sweepNowAndThen(cacheDirectory);
  const repomd = Buffer.from(writeRepomd({ revision: String(revision), files }));
  return { immutable: files.map((file) => toContent(file, job.workDirectory)), switched: await sign(job, repomd) };
}

async function listPackages(job: IndexJob): Promise<readonly RepositoryPackage[]> {
  const list: RepositoryPackage[] = [];
  for await (const { sha256, path: href, addedAt } of job.packages()) {
    if (list.length % 1000 === 0) job.signal?.throwIfAborted();
    list.push({ sha256, href, fileTime: toSeconds(addedAt) });
  }
  return list;
}

/** A package without knowledge ends the work: an index that leaves it out would take it away from everyone. */
function loadFrom(job: IndexJob): LoadRecords {
  return async (packages) => {
    const found = await job.metadata([...new Set(packages.map(({ sha256 }) => sha256))]);
    return packages.map(({ sha256, href }) => {
      const record = found.get(sha256);
      if (record !== undefined && isRecordOf(record, sha256)) return record;
      throw new MillraceError('source-invalid', `${record === undefined ? 'nothing is known' : 'what is known is damaged'} of the package ${href} (${sha256}) of the repository ${job.repository.name}`, {
        suggestion: 'Run a check with repair: it reads the package again.',
      });
    });
  };
}

/**
 * First the keys, then `repomd.xml`, its signature last: clients read them in that order too, so one that comes between the two writes is late for both more often than
 * with the order turned round. ADR 37 says what that promises.
 */
async function sign({ repository, keys, at }: IndexJob, repomd: Buffer): Promise<readonly IndexContent[]> {
  const main = content('repodata/repomd.xml', repomd, 'text/xml');
  const names = repository.settings.keys;
  if (names.length === 0) return [main];
  // Before the keys are listed: one may be made by its first use.
  const signature = await keys.detached(names, repomd, { at });
  const known = new Map((await keys.list()).map((key) => [key.name, key]));
  const used = names.map((name) => openPgpKey(name, known.get(name)));
  const armour = used.map(({ publicKey }) => `${publicKey.trimEnd()}\n`).join('');
  return [content('repodata/repomd.xml.key', Buffer.from(armour), 'application/pgp-keys'), main, content('repodata/repomd.xml.asc', Buffer.from(signature), 'application/pgp-signature')];
}

function openPgpKey(name: string, key: SigningKey | undefined): SigningKey {
  if (key === undefined) throw new MillraceError('key-not-found', `there is no key ${name} to sign the repository with`);
  if (key.kind !== 'openpgp') throw new MillraceError('key-not-found', `the key ${name} is one of ${key.kind}, and dnf believes OpenPGP keys only`);
  return key;
}

function content(file: string, bytes: Buffer, contentType: string): IndexContent {
  return { path: file, sha256: hash('sha256', bytes), size: bytes.length, content: bytes, contentType };
}

function toContent({ href, checksum, size }: RepomdFile, workDirectory: string): IndexContent {
  const contentType = href.endsWith('.zst') ? 'application/zstd' : 'application/gzip';
  return { path: href, sha256: checksum.hex, size: size ?? 0, content: { file: path.join(workDirectory, href) }, contentType };
}

function toSeconds(time: string): number {
  return Math.max(0, Math.floor(Date.parse(time) / 1000));
}

/** Once an hour, whichever process comes first. */
async function sweepNowAndThen(directory: string): Promise<void> {
  const marker = path.join(directory, '.swept');
  const last = await stat(marker).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (last !== undefined && Date.now() - last.mtimeMs < sweepMilliseconds) return;
  await writeFile(marker, '');
  await utimes(marker, new Date(), new Date());
  await sweepCacheFiles(directory, maxCacheBytes);
}
