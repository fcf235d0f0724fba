import { createHash } from 'node:crypto';
import { MillraceError } from '../../errors/millrace-error.js';
import { readArmor } from '../../inspectors/openpgp/armor.js';
import { sweepCacheFiles } from '../../rpm-repository/cache-files.js';
import type { SigningKeys } from '../../signing/signer.js';
import type { IndexContent, IndexJob, WrittenIndex } from '../package-format.js';
import { chunkDirectory } from './chunk-texts.js';
import { debSettingsOf } from './deb-settings.js';
import type { PackagesIndex } from './packages-file.js';
import { releaseText } from './release-text.js';
import { writePackages } from './write-packages.js';

/** Some millions of packages; what is swept is made again. */
const cacheBytes = 4 * 1024 ** 3;
const statesBetweenSweeps = 16;
/** The public halves of the keys that sign, for `signed-by`. */
const keyringPath = 'archive-key.gpg';
const plainText = 'text/plain; charset=utf-8';

/**
 * The index of an apt repository: `Packages.gz` by their hashes, which never change, then the signed list of them. `InRelease` comes last: it is what apt begins with.
 * `Release` and its signature come before it, for programs that know no other, which for a moment may see one of a state and the other of the next: they refuse that.
 */
export async function writeDebIndex(job: IndexJob): Promise<WrittenIndex> {
  const settings = debSettingsOf(job.repository.settings);
  const folder = `dists/${settings.suite}`;
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
  if (names.length === 0) return [bytesFile(`${folder}/Release`, release, plainText)];
  signal?.throwIfAborted();
  const detached = await keys.detached(names, release, { at });
  const inline = await keys.cleartext(names, text, { at });
  return [
    bytesFile(keyringPath, await keyringOf(keys, names), 'application/pgp-keys'),
    bytesFile(`${folder}/Release.gpg`, Buffer.from(detached), 'application/pgp-signature'),
    bytesFile(`${folder}/Release`, release, plainText),
    bytesFile(`${folder}/InRelease`, Buffer.from(inline), plainText),
  ];
}

/** Without armour, as `signed-by` takes it whatever its name ends in; several keys in a row are a keyring. */
async function keyringOf(keys: SigningKeys, names: readonly string[]): Promise<Buffer> {
  const listed = new Map((await keys.list()).map((key) => [key.name, key]));
  return Buffer.concat(
    names.flatMap((name) => {
      const key = listed.get(name);
      if (key?.kind !== 'openpgp') throw new MillraceError('key-not-found', `there is no OpenPGP key ${name} whose public half clients could be given`);
      return readArmor(Buffer.from(key.publicKey), 'PGP PUBLIC KEY BLOCK');
    }),
  );
}

function bytesFile(path: string, content: Buffer, contentType: string): IndexContent {
  return { path, sha256: createHash('sha256').update(content).digest('hex'), size: content.length, content, contentType };
}
