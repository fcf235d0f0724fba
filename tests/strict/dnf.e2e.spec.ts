import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPrimary } from '../../libs/rpm/metadata/primary.js';
import { dependencyKinds } from '../../libs/rpm/dependency.js';
import { readDependencies } from '../../libs/rpm/package/dependencies.js';
import { readIdentity } from '../../libs/rpm/package/package-details.js';
import { readPackageFile } from '../../libs/rpm/package/package-file.js';
import { compareVersions, parseVersion } from '../../libs/rpm/version.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { artefactsFrom, summaries } from '../clients/session-report.js';
import type { SessionReport } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const file = 'millrace-sample-1.0~rc1-1.noarch.rpm';
const specFile = `Name: millrace-sample
Version: 1.0~rc1
Release: 1
Summary: A sample
License: MIT
BuildArch: noarch
Provides: millrace-virtual = 3
Recommends: (millrace-a if millrace-b)
%description
A sample.
%install
mkdir -p %{buildroot}/usr/share/millrace-sample
echo hello > %{buildroot}/usr/share/millrace-sample/file
%files
/usr/share/millrace-sample
`;

/** A signed repository made by the real tools. */
function makeRepository(directory: string, gnupg: string): string {
  const repository = path.join(directory, 'repository');
  writeFileSync(path.join(directory, 'sample.spec'), specFile);
  execFileSync('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${directory}/build`, '--define', `_rpmdir ${repository}`, `${directory}/sample.spec`], { stdio: 'ignore' });
  const environment = { ...process.env, GNUPGHOME: gnupg };
  // Debian's rpmsign looks for a gpg2 that is not there any more.
  const gpg = execFileSync('sh', ['-c', 'command -v gpg'], { encoding: 'utf8' }).trim();
  execFileSync('rpmsign', ['--define', `__gpg ${gpg}`, '--define', '_gpg_name sample', '--addsign', path.join(repository, 'noarch', file)], { env: environment, stdio: 'ignore' });
  execFileSync('createrepo_c', ['--quiet', repository]);
  execFileSync('gpg', ['--batch', '--quiet', '--armor', '--detach-sign', 'repodata/repomd.xml'], { cwd: repository, env: environment });
  return repository;
}

function makeKey(gnupg: string): Buffer {
  mkdirSync(gnupg, { mode: 0o700 });
  const environment = { ...process.env, GNUPGHOME: gnupg };
  execFileSync('gpg', ['--batch', '--quiet', '--passphrase', '', '--quick-generate-key', 'sample', 'rsa2048', 'sign', 'never'], { env: environment, stdio: 'ignore' });
  return execFileSync('gpg', ['--batch', '--armor', '--export'], { env: environment });
}

/** One byte at the end, in the payload, is another. */
function withAnotherByte(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1] = (changed[changed.length - 1] as number) ^ 1;
  return changed;
}

const reasons = (report: SessionReport): readonly string[] => report['refused-requests'].map(({ reason }) => reason);

describeClient('dnf', ({ service, directory }) => {
  /** What is served in place of the repository's own file, by the end of its path. */
  let changed: ReadonlyMap<string, Buffer> = new Map();
  let repository = '';
  let gnupg = '';
  let key: Buffer = Buffer.alloc(0);
  let origin: LoopbackOrigin | undefined;
  const url = (): string => origin?.url ?? '';
  const metadataFile = (end: string): string => path.join(repository, 'repodata', readdirSync(path.join(repository, 'repodata')).find((name) => name.endsWith(end)) ?? end);

  beforeAll(async () => {
    gnupg = path.join(directory(), 'gnupg');
    key = makeKey(gnupg);
    repository = makeRepository(directory(), gnupg);
    origin = await startOrigin(service(), 'https', (request, response) => {
      const asked = decodeURIComponent(request.url ?? '');
      const other = [...changed].find(([end]) => asked.endsWith(end));
      if (other !== undefined) response.end(other[1]);
      else if (asked === '/RPM-GPG-KEY-sample') response.end(key);
      else if (existsSync(path.join(repository, asked))) createReadStream(path.join(repository, asked)).pipe(response);
      else response.writeHead(404).end();
    });
  }, 60_000);
  afterAll(async () => {
    if (existsSync(gnupg)) execFileSync('gpgconf', ['--kill', 'all'], { env: { ...process.env, GNUPGHOME: gnupg } });
    await origin?.close();
  });

  /** dnf with a system of its own below a new directory. It takes the proxy from the environment, but its authorities only from its configuration. */
  function dnf(...words: readonly string[]): { readonly build: string; readonly command: readonly string[] } {
    const build = directory();
    mkdirSync(path.join(build, 'log'));
    const places = ['reposdir', 'cachedir', 'persistdir', 'varsdir'].map((name) => `--setopt=${name}=${build}/${name}`);
    const settings = [`--installroot=${build}/root`, '--releasever=1', '--disableplugin=*', `--setopt=logdir=${build}/log`, '--setopt=sample.retries=1', ...places];
    const quoted = ['dnf', '--assumeyes', ...settings, `--repofrompath=sample,${url()}/`, '--repo=sample', ...words].map((word) => `'${word}'`);
    return { build, command: ['sh', '-c', `exec ${quoted.join(' ')} --setopt=sslcacert="$CURL_CA_BUNDLE"`] };
  }

  it('installs in a strict session from an honest repository', async () => {
    changed = new Map();
    const { build, command } = dnf('--nogpgcheck', 'install', 'millrace-virtual');
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command });
    expect(readFileSync(path.join(build, 'root/usr/share/millrace-sample/file'), 'utf8')).toBe('hello\n');
    const lines = summaries(report).map((line) => line.replace(/ \d{9,} /, ' '));
    expect(lines).toEqual(expect.arrayContaining(['application/x-rpm millrace-sample 1.0~rc1-1 Approved', 'application/x.rpm.metadata primary Approved', 'application/x.rpm.repomd / Approved']));
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(report['refused-requests']).toEqual([]);
    expect(artefactsFrom(report, '.rpm')[0]?.metadata.sha256).toBe(sha256(readFileSync(path.join(repository, 'noarch', file))));
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install', build: 'a package from a repository of createrepo_c', verdict: 'passes' });
  }, 120_000);

  it('installs with signatures checked by dnf itself: of the repomd.xml and of the package, with the key from the origin', async () => {
    changed = new Map();
    const signed = ['--setopt=sample.gpgcheck=1', '--setopt=sample.repo_gpgcheck=1', `--setopt=sample.gpgkey=${url()}/RPM-GPG-KEY-sample`];
    const { build, command } = dnf(...signed, 'install', 'millrace-sample');
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command, environment: { GNUPGHOME: gnupg } });
    expect(existsSync(path.join(build, 'root/usr/share/millrace-sample/file'))).toBe(true);
    for (const end of ['/repodata/repomd.xml.asc', '/RPM-GPG-KEY-sample']) expect(artefactsFrom(report, end)[0]?.result).toBe('Approved');
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install, gpgcheck and repo_gpgcheck', build: 'a signed package from a signed repository', verdict: 'passes' });
  }, 120_000);

  /** Options of a session whose inspectors know the repository's key. */
  function withKey(build: string): readonly string[] {
    const configuration = path.join(build, 'inspectors.json');
    writeFileSync(configuration, JSON.stringify({ rpm: { repositories: { sample: { urls: [`${url()}/`], 'public-key': key.toString() } } } }));
    return ['--inspectors-configuration', configuration];
  }

  it('installs in a strict session that knows the key of the repository, and the report says who signed', async () => {
    changed = new Map();
    const { build, command } = dnf('--nogpgcheck', 'install', 'millrace-sample');
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, options: withKey(build), command });
    const signers = report.artifacts.filter(({ metadata }) => /repomd|metadata|x-rpm/.test(metadata.type)).map(({ metadata }) => (metadata as { 'signed-by'?: string })['signed-by']);
    expect(new Set(signers)).toEqual(new Set([expect.stringMatching(/^openpgp:[0-9A-F]{40}$/)]));
    expect(artefactsFrom(report, '.rpm')[0]?.['response-inspection']['rpm.package']?.reason).toBe('valid package, signed by a configured key, with the digest that its repository declares');
    expect(artefactsFrom(report, '/repodata/repomd.xml')[0]?.['response-inspection']['rpm.repomd']?.reason).toBe('valid repository index, signed by a configured key');
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install', build: 'a signed repository whose key is configured', verdict: 'passes' });
  }, 120_000);

  it('gets nothing from a mirror in a strict session that knows the key, though all its digests fit together', async () => {
    const swap = (text: string, one: Buffer, other: Buffer): string => text.replaceAll(sha256(one), sha256(other));
    const [honest, tampered] = [readFileSync(path.join(repository, 'noarch', file)), withAnotherByte(readFileSync(path.join(repository, 'noarch', file)))];
    const primary = readFileSync(metadataFile('-primary.xml.gz'));
    const xml = swap(gunzipSync(primary).toString(), honest, tampered);
    const repomd = swap(swap(readFileSync(metadataFile('repomd.xml'), 'utf8'), primary, gzipSync(xml)), gunzipSync(primary), Buffer.from(xml));
    changed = new Map([[file, tampered], ['-primary.xml.gz', gzipSync(xml)], ['repomd.xml', Buffer.from(repomd)]]);
    const { build, command } = dnf('--nogpgcheck', 'install', 'millrace-sample');
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, options: withKey(build), command });
    expect(reasons(report)).toContainEqual(expect.stringContaining('the signature of the repomd.xml does not hold'));
    expect(artefactsFrom(report, '.rpm')).toEqual([]);
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install', build: 'a mirror that changed a package and all indexes', verdict: 'refused', reason: 'the signature of the repomd.xml does not hold' });
  }, 120_000);

  it('gets no package in a strict session that differs in one byte from what the repository declares', async () => {
    const tampered = withAnotherByte(readFileSync(path.join(repository, 'noarch', file)));
    changed = new Map([[file, tampered]]);
    const { build, command } = dnf('--nogpgcheck', 'install', 'millrace-sample');
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command });
    expect(existsSync(path.join(build, 'root/usr/share/millrace-sample'))).toBe(false);
    expect(reasons(report)).toContainEqual(expect.stringMatching(/^the package's SHA256 digest is not the one that the primary metadata of .* declare for millrace-sample-1\.0~rc1-1\.noarch/));
    expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', 'status-code': 403, sha256: sha256(tampered) });
    expect(summaries(report)).toContain('application/x-rpm millrace-sample 1.0~rc1-1 Rejected');
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install', build: 'one byte of a package changed', verdict: 'refused', reason: "the package's SHA256 digest is not the one that the primary metadata declare" });
  }, 120_000);

  it('gets no primary metadata in a strict session that declare the changed package', async () => {
    const [honest, tampered] = [readFileSync(path.join(repository, 'noarch', file)), withAnotherByte(readFileSync(path.join(repository, 'noarch', file)))];
    const primary = metadataFile('-primary.xml.gz');
    const rewritten = gzipSync(gunzipSync(readFileSync(primary)).toString().replaceAll(sha256(honest), sha256(tampered)));
    changed = new Map([[file, tampered], [path.basename(primary), rewritten]]);
    const { build, command } = dnf('--nogpgcheck', 'install', 'millrace-sample');
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command });
    expect(reasons(report)).toContainEqual(expect.stringMatching(/^the SHA256 digest of the primary metadata is not the one that the repomd\.xml of .* declares/));
    expect(artefactsFrom(report, '.rpm')).toEqual([]);
    recordVerdict({ ecosystem: 'rpm', client: 'dnf install', build: 'primary metadata changed', verdict: 'refused', reason: 'the SHA256 digest of the primary metadata is not the one that the repomd.xml declares' });
  }, 120_000);

  it('is not needed: a package that is fetched by its URL alone is looked up in the repository that it lies in', async () => {
    changed = new Map();
    const build = directory();
    const fetch = ['curl', '--fail', '--silent', '--show-error', '--remote-name', `${url()}/noarch/${file}`];
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: fetch });
    expect(artefactsFrom(report, '.rpm')[0]?.['response-inspection']['rpm.package']?.reason).toBe('valid package, with the digest that its repository declares');
    expect(artefactsFrom(report, '/repodata/repomd.xml')[0]?.result).toBe('Approved');
    changed = new Map([[file, withAnotherByte(readFileSync(path.join(repository, 'noarch', file)))]]);
    const refused = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: directory(), command: fetch });
    expect(reasons(refused.report)).toContainEqual(expect.stringContaining("the package's SHA256 digest is not the one"));
    recordVerdict({ ecosystem: 'rpm', client: 'curl', build: 'a package by its URL alone', verdict: 'passes' });
  }, 120_000);

  it('reads what createrepo_c wrote of a package as the package itself is read', async () => {
    const bytes = readFileSync(path.join(repository, 'noarch', file));
    const [listed] = await collect(readPrimary(chunks(gunzipSync(readFileSync(metadataFile('-primary.xml.gz'))))));
    const { head } = await readPackageFile(chunks(bytes));
    expect(listed).toMatchObject({ ...readIdentity(head.header), headerRange: head.headerRange, checksum: { algorithm: 'sha256', hex: sha256(bytes) } });
    for (const kind of dependencyKinds) {
      // createrepo_c leaves out what rpm asks of itself.
      const own = readDependencies(head.header, kind).filter(({ name }) => !name.startsWith('rpmlib('));
      expect([kind, listed?.dependencies[kind]]).toEqual([kind, own]);
    }
  });

  it('compares versions as the rpm of this machine does, in any pair', () => {
    const part = fc.string({ unit: fc.constantFrom('0', '1', '2', '10', 'a', 'b', 'rc', '.', '_', '~', '^', '+'), minLength: 1, maxLength: 7 });
    const version = fc.tuple(fc.constantFrom('', '0:', '1:', '12:'), part, part).map(([epoch, upstream, release]) => `${epoch}${upstream}-${release}`);
    const pairs = fc.sample(fc.tuple(version, version), 3000);
    const table = path.join(directory(), 'pairs');
    writeFileSync(table, pairs.map((pair) => pair.join('\t')).join('\n'));
    const script = `for line in io.lines("${table}") do local a, b = line:match("^(.-)\\t(.*)$"); print(rpm.vercmp(a, b) .. "\\n") end`;
    const expected = execFileSync('rpm', ['--eval', `%{lua: ${script}}`], { encoding: 'utf8' }).split('\n').filter((line) => line !== '');
    expect(expected).toHaveLength(pairs.length);
    const wrong = pairs.filter(([left, right], index) => compareVersions(parseVersion(left), parseVersion(right)) !== Number(expected[index]));
    expect(wrong).toEqual([]);
  });
});

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}
