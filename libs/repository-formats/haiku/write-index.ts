import { createHash } from 'node:crypto';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import { architectures } from '../../haiku/package/architectures.js';
import type { LicenceText } from '../../haiku/package/licence-texts.js';
import { writeRepositoryFile } from '../../haiku/repository/repository-file.js';
import { formatRepositoryInfo } from '../../haiku/repository/repository-info-text.js';
import type { RepositoryInfo } from '../../haiku/repository/repository-info.js';
import type { ListedPackage } from '../../repository/listed-package.js';
import type { HaikuSettings, Repository } from '../../repository/repository.js';
import type { IndexContent, IndexJob, WrittenIndex } from '../package-format.js';
import { readAttributeCache, writeAttributeCache } from './attribute-cache.js';
import { newestOfEachName } from './newest-of-each-name.js';
import { readMetadata, type PackageMetadata } from './package-metadata.js';

const askedAtOnce = 500;
const plainText = 'text/plain; charset=utf-8';

/**
 * `repo` before `repo.sha256`: a client compares the latter with what it has, and fetches the former when they differ. In this order one that is up to date notices nothing, whenever
 * it asks (docs/adr/0036). Nothing stands between the two, because it would make the time longer in which one that is behind fails.
 */
export async function writeHaikuIndex(job: IndexJob): Promise<WrittenIndex> {
  const packages: ListedPackage[] = [];
  for await (const item of job.packages()) packages.push(item);
  const listed = newestOfEachName(packages);
  const metadata = await metadataOf(listed, job);
  const info = { ...repositoryInfo(job.repository), licenses: licencesOf(metadata) };
  const repo = await writeRepositoryFile(info, metadata.map(({ entry }) => entry));
  job.signal?.throwIfAborted();
  const signature = await signatureOf(repo, job);
  return {
    immutable: [],
    switched: [
      content('repo.info', Buffer.from(formatRepositoryInfo(info)), plainText),
      content('package.list', Buffer.from(listed.map(({ key }) => key).join('\n')), plainText),
      ...(signature === undefined ? [] : [content('repo.minisig', Buffer.from(signature), plainText)]),
      content('repo', repo, 'application/octet-stream'),
      content('repo.sha256', Buffer.from(sha256(repo)), plainText),
    ],
  };
}

/** Errors: `invalid-request`. */
function haikuSettingsOf({ name, settings }: Repository): HaikuSettings {
  if (settings.haiku === null) throw new MillraceError('invalid-request', `the repository ${name} has no settings for haiku: what repo.info says`);
  return settings.haiku;
}

function repositoryInfo(repository: Repository): RepositoryInfo {
  const { architecture: wanted, ...settings } = haikuSettingsOf(repository);
  const architecture = architectures.find((each) => each === wanted);
  if (architecture === undefined) throw new MillraceError('invalid-request', `the repository ${repository.name} is for the unknown architecture ${wanted}; known: ${architectures.join(', ')}`);
  return { ...settings, architecture, licenses: [] };
}

/** In the order of the packages, of which a repository has some thousands with a thousand bytes each. */
async function metadataOf(listed: readonly ListedPackage[], job: IndexJob): Promise<readonly PackageMetadata[]> {
  const file = path.join(job.cacheDirectory, `haiku-${job.repository.name}.attributes`);
  const cached = await readAttributeCache(file);
  const missing = listed.map((item) => item.sha256).filter((digest) => !cached.has(digest));
  const asked = new Map<string, Buffer>();
  for (let index = 0; index < missing.length; index += askedAtOnce) {
    job.signal?.throwIfAborted();
    for (const [digest, metadata] of await job.metadata(missing.slice(index, index + askedAtOnce))) asked.set(digest, metadata);
  }
  const metadata = listed.map((item) => metadataIn(cached.get(item.sha256) ?? asked.get(item.sha256), item));
  // Only what has proved to be right is kept.
  if (missing.length > 0 || listed.length !== cached.size) await writeAttributeCache(file, new Map(listed.map(({ sha256: digest }) => [digest, cached.get(digest) ?? (asked.get(digest) as Buffer)])));
  return metadata;
}

function metadataIn(bytes: Buffer | undefined, { key, sha256: digest }: ListedPackage): PackageMetadata {
  const suggestion = 'A check finds and a repair reads such packages again: millrace repo check, millrace repo repair.';
  if (bytes === undefined) throw new MillraceError('source-invalid', `what the package ${key} (sha256 ${digest}) says of itself is not in the database`, { suggestion });
  const metadata = readMetadata(bytes);
  // The checksum is what clients verify packages by.
  if (!metadata.entry.includes(digest)) throw new MillraceError('source-invalid', `what is kept of the package ${key} is of other bytes than sha256 ${digest}`, { suggestion });
  return metadata;
}

/** Each name once, as the first package has it. */
function licencesOf(metadata: readonly PackageMetadata[]): readonly LicenceText[] {
  const licences = new Map<string, LicenceText>();
  for (const licence of metadata.flatMap((item) => item.licences)) if (!licences.has(licence.name.toLowerCase())) licences.set(licence.name.toLowerCase(), licence);
  return [...licences.values()];
}

/** By the first of the repository's keys that is of minisign: `repo.minisig` holds one signature. */
async function signatureOf(repo: Buffer, { repository, keys, at }: IndexJob): Promise<string | undefined> {
  if (repository.settings.keys.length === 0) return undefined;
  const known = await keys.list();
  const key = repository.settings.keys.find((name) => known.some((each) => each.name === name && each.kind === 'minisign'));
  if (key === undefined) throw new MillraceError('key-not-found', `none of the keys of the repository ${repository.name} is a minisign key: ${repository.settings.keys.join(', ')}`);
  return keys.minisign(key, repo, { fileName: 'repo', at });
}

function content(file: string, bytes: Buffer, contentType: string): IndexContent {
  return { path: file, sha256: sha256(bytes), size: bytes.length, content: bytes, contentType };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
