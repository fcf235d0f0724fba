import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import path from 'node:path';
import { aptFixture, signDetached, signInline, type SigningKey } from '../../libs/inspectors/apt/__fixtures__/sample-repository.js';

/** A repository on disk, made by the real tools. */
export interface AptRepository {
  /** Directory of its root. */
  readonly root: string;
  /** Paths below the root. */
  readonly deb: string;
}

const sources = ['millrace-src_1.0-1.dsc', 'millrace-src_1.0.orig.tar.gz', 'millrace-src_1.0-1.debian.tar.xz'];

/** Makes a package and its source, and the indexes of the suite `stable` with them. `sign`: by which files the suite is signed. */
export async function makeRepository(root: string, key: SigningKey, sign: 'InRelease' | 'Release.gpg' | 'nothing'): Promise<AptRepository> {
  const pool = path.join(root, 'pool/main');
  const deb = 'pool/main/millrace-sample_1.0_all.deb';
  mkdirSync(pool, { recursive: true });
  makePackage(path.join(root, '../package'), path.join(root, deb));
  for (const name of sources) writeFileSync(path.join(pool, name), aptFixture(name));
  writeIndex(root, 'main/binary-amd64/Packages', ['packages', 'pool']);
  writeIndex(root, 'main/source/Sources', ['sources', 'pool']);
  const suite = path.join(root, 'dists/stable');
  const settings = { Origin: 'Sample', Label: 'Sample', Suite: 'stable', Codename: 'stable', Architectures: 'amd64', Components: 'main' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`]);
  const release = execFileSync('apt-ftparchive', [...options, 'release', suite], { encoding: 'utf8' });
  if (sign === 'InRelease') writeFileSync(path.join(suite, 'InRelease'), await signInline(release, key));
  else writeFileSync(path.join(suite, 'Release'), release);
  if (sign === 'Release.gpg') writeFileSync(path.join(suite, 'Release.gpg'), await signDetached(release, key));
  return { root, deb };
}

function makePackage(directory: string, file: string): void {
  mkdirSync(path.join(directory, 'DEBIAN'), { recursive: true });
  const control = 'Package: millrace-sample\nVersion: 1.0\nArchitecture: all\nMaintainer: Ada Example <ada@registry.example>\nDescription: sample\n';
  writeFileSync(path.join(directory, 'DEBIAN/control'), control);
  mkdirSync(path.join(directory, 'usr/share/millrace'), { recursive: true });
  writeFileSync(path.join(directory, 'usr/share/millrace/sample'), 'sample\n');
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', directory, file]);
}

function writeIndex(root: string, name: string, parameters: readonly string[]): void {
  const file = path.join(root, 'dists/stable', name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, execFileSync('apt-ftparchive', parameters, { cwd: root }));
  execFileSync('xz', ['--keep', file]);
}

/** Serves a repository; `tampered`: what the names begin with of files of which one byte is changed on the way. */
export function serveRepository(current: () => { readonly repository: AptRepository; readonly tampered?: string | undefined }): RequestListener {
  return (request, response) => {
    const { repository, tampered } = current();
    const name = decodeURIComponent((request.url ?? '').replace(/^\/repo\//, ''));
    const file = path.join(repository.root, name);
    if (name.includes('..') || !existsSync(file)) {
      response.writeHead(404).end('not found');
      return;
    }
    const bytes = readFileSync(file);
    if (tampered !== undefined && name.startsWith(tampered)) {
      const place = Math.floor(bytes.length / 2);
      bytes[place] = (bytes[place] as number) ^ 1;
    }
    response.end(bytes);
  };
}

/** An apt of its own in `directory`: no lists, no cache, no installed packages. Gives the command up to its first argument. */
export function aptCommand(directory: string, sourcesList: string | undefined): readonly string[] {
  const root = path.join(directory, 'root');
  if (sourcesList === undefined) cpSync('/etc/apt', path.join(root, 'etc/apt'), { recursive: true, dereference: true });
  for (const name of ['etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'etc/apt/trusted.gpg.d', 'etc/apt/sources.list.d', 'var/lib/apt/lists/partial', 'var/lib/dpkg', 'var/cache/apt/archives/partial', 'var/log/apt'])
    mkdirSync(path.join(root, name), { recursive: true });
  writeFileSync(path.join(root, 'var/lib/dpkg/status'), '');
  if (sourcesList !== undefined) writeFileSync(path.join(root, 'etc/apt/sources.list'), sourcesList);
  const settings = [`Dir=${root}`, `Dir::State::status=${root}/var/lib/dpkg/status`, 'APT::Architecture=amd64', 'APT::Architectures=amd64', 'APT::Sandbox::User=root', 'Acquire::Languages=none', 'Acquire::Retries=0'];
  return ['apt-get', '--quiet', ...settings.flatMap((setting) => ['-o', setting])];
}
