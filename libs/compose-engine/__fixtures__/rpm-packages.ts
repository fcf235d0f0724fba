import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A source package, and what is built of it. */
export interface SourceSpec {
  readonly name: string;
  readonly epoch?: number;
  readonly version?: string;
  /** `x86_64` unless told. */
  readonly arch?: string;
  readonly requires?: readonly string[];
  /** Subpackages by the end of their names, with what they require. */
  readonly subpackages?: Readonly<Record<string, readonly string[]>>;
  readonly text?: string;
}

/** Builds with rpmbuild: `<directory>/*.rpm`, sources included. */
export function buildPackages(directory: string, specs: readonly SourceSpec[]): void {
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(path.join(tmpdir(), 'millrace-rpmbuild-'));
  try {
    for (const spec of specs) {
      const file = path.join(work, `${spec.name}.spec`);
      writeFileSync(file, specText(spec));
      const defines = [`_topdir ${work}/top`, `_rpmdir ${directory}`, `_srcrpmdir ${directory}`, '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm', '_buildhost build.example', 'source_date_epoch_from_changelog 0'];
      execFileSync('rpmbuild', ['-ba', '--quiet', '--target', spec.arch ?? 'x86_64', ...defines.flatMap((define) => ['--define', define]), file], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'], HOME: work, SOURCE_DATE_EPOCH: '1700000000' },
      });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function specText({ name, epoch = 0, version = '1.0', requires = [], subpackages = {}, text = 'hello' }: SourceSpec): string {
  const lines = ['%global debug_package %{nil}', '%global _build_id_links none', `Name: ${name}`, ...(epoch === 0 ? [] : [`Epoch: ${epoch}`]), `Version: ${version}`, 'Release: 1', `Summary: Sample ${name}`, 'License: MIT'];
  lines.push(...requires.map((item) => `Requires: ${item}`), '%description', 'A sample.');
  for (const [end, needs] of Object.entries(subpackages)) lines.push(`%package ${end}`, `Summary: Sample ${name}-${end}`, ...needs.map((item) => `Requires: ${item}`), `%description ${end}`, 'A sample.');
  lines.push('%install', `mkdir -p %{buildroot}/usr/share/millrace`, `echo '${text}' > %{buildroot}/usr/share/millrace/${name}.txt`);
  lines.push(...Object.keys(subpackages).map((end) => `echo '${end}' > %{buildroot}/usr/share/millrace/${name}-${end}.txt`));
  lines.push('%files', `/usr/share/millrace/${name}.txt`);
  for (const end of Object.keys(subpackages)) lines.push(`%files ${end}`, `/usr/share/millrace/${name}-${end}.txt`);
  return `${lines.join('\n')}\n`;
}

/** Metadata by createrepo_c. Called again, it makes them anew. */
export function indexPackages(directory: string, ...options: readonly string[]): void {
  execFileSync('createrepo_c', ['--quiet', '--no-database', '--revision', '1700000000', ...options, directory], { stdio: ['ignore', 'ignore', 'pipe'] });
}

export interface SigningKey extends Disposable {
  /** Upper-case hex of 16 digits. */
  readonly keyId: string;
  /** Armoured. */
  readonly publicKey: string;
  /** Adds signatures to package files, in place. */
  sign(...files: readonly string[]): void;
}

/** A key of gpg, in a home of its own. */
export function createSigningKey(): SigningKey {
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-gpg-'));
  const gpg = (...options: readonly string[]): string => execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  gpg('--passphrase', '', '--quick-generate-key', 'packages@millrace.example', 'rsa2048', 'sign', 'never');
  const keyId = /^pub:[^:]*:[^:]*:[^:]*:([0-9A-F]{16}):/m.exec(gpg('--list-keys', '--with-colons'))?.[1] ?? '';
  return {
    keyId,
    publicKey: gpg('--armor', '--export'),
    sign: (...files) => void execFileSync('rpmsign', ['--addsign', '--define', `_gpg_path ${home}`, '--define', `_gpg_name ${keyId}`, '--define', '__gpg /usr/bin/gpg', ...files], { stdio: 'ignore' }),
    [Symbol.dispose]() {
      try {
        execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'], { stdio: 'ignore' });
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    },
  };
}

/** The package files of one directory, in another. */
export function copyPackages(from: string, to: string, wanted: (name: string) => boolean = () => true): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (name.endsWith('.rpm') && wanted(name)) cpSync(path.join(from, name), path.join(to, name), { preserveTimestamps: true });
}
