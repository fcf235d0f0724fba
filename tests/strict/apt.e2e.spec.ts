import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createSigningKey, type SigningKey } from '../../libs/inspectors/apt/__fixtures__/sample-repository.js';
import { describeClient } from '../clients/describe-client.js';
import { fileSha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { artefactsFrom, summaries } from '../clients/session-report.js';
import { aptCommand, makeRepository, serveRepository, type AptRepository } from './apt-repository.js';
import { runConfigured } from './configured-session.js';
import { recordVerdict } from './record-verdict.js';

describeClient('apt-get', ({ service, directory }) => {
  let key: SigningKey;
  let inline: AptRepository;
  let served: { repository: AptRepository; tampered?: string | undefined };
  let origin: LoopbackOrigin | undefined;

  beforeAll(async () => {
    key = await createSigningKey();
    inline = await makeRepository(path.join(directory(), 'repo'), key, 'InRelease');
    served = { repository: inline };
    origin = await startOrigin(service(), 'http', serveRepository(() => served));
  });
  afterAll(() => origin?.close());

  /** `trusted`: apt itself asks for no signature, so that what refuses is the proxy. */
  async function build({ trusted = true } = {}): Promise<Awaited<ReturnType<typeof runConfigured>> & { directory: string }> {
    const project = directory();
    const keyFile = path.join(project, 'key.asc');
    writeFileSync(keyFile, key.publicKey);
    const option = trusted ? 'trusted=yes' : `signed-by=${keyFile}`;
    const url = `${origin?.url}/repo`;
    const apt = aptCommand(project, `deb [${option}] ${url} stable main\ndeb-src [${option}] ${url} stable main\n`);
    const configuration = { apt: { repositories: { sample: { urls: [url], suites: ['stable'], components: ['main'], 'public-key': key.publicKey } } } };
    const outcome = await runConfigured(service(), {
      configuration,
      directory: project,
      commands: (proxy) => [['update'], ['download', 'millrace-sample'], ['source', '--download-only', 'millrace-src']].map((parameters) => [...apt, '-o', `Acquire::http::Proxy=${proxy}`, '-o', 'APT::Update::Error-Mode=any', ...parameters]),
    });
    return { ...outcome, directory: project };
  }

  const lists = [
    'application/vnd.debian.binary-package millrace-sample 1.0 Approved',
    'application/x.apt.packages main/binary-amd64/Packages.xz stable Approved',
    'application/x.apt.release Sample stable Approved',
    'application/x.apt.sources main/source/Sources.xz stable Approved',
    'application/x.debian.source-control millrace-src 1.0-1 Approved',
    'application/x.debian.source-file millrace-src 1.0-1 Approved',
    'application/x.debian.source-file millrace-src 1.0-1 Approved',
  ];

  it('gets a package and its source in a strict session from a repository that the configured key signed', async () => {
    served = { repository: inline };
    const { report, exitCode, output, directory: project } = await build({ trusted: false });
    expect({ exitCode, output, refused: report['refused-requests'] }).toMatchObject({ exitCode: 0, refused: [] });
    expect(readdirSync(project).filter((name) => name.includes('millrace-s')).sort()).toEqual(['millrace-sample_1.0_all.deb', 'millrace-src_1.0-1.debian.tar.xz', 'millrace-src_1.0-1.dsc', 'millrace-src_1.0.orig.tar.gz']);
    expect(summaries(report)).toEqual(lists);
    expect(artefactsFrom(report, '.deb')[0]?.metadata).toMatchObject({ sha256: fileSha256(path.join(inline.root, inline.deb)), purl: 'pkg:deb/sample/millrace-sample@1.0?arch=all' });
    recordVerdict({ ecosystem: 'apt', client: 'apt-get update, download, source', build: 'a package and its source from a signed repository', verdict: 'passes' });
  }, 120_000);

  it('gets them also where the signature lies beside the Release file', async () => {
    served = { repository: await makeRepository(path.join(directory(), 'repo'), key, 'Release.gpg') };
    const { report, exitCode, output } = await build({ trusted: false });
    // There is no InRelease: of that answer nothing but the status is for apt.
    expect({ exitCode, output, refused: report['refused-requests'].map(({ reason }) => reason) }).toMatchObject({ exitCode: 0, refused: [] });
    expect(summaries(report)).toEqual([...lists, 'application/x.apt.release-signature Sample stable Approved'].sort());
    recordVerdict({ ecosystem: 'apt', client: 'apt-get update, download, source', build: 'a repository with Release and Release.gpg', verdict: 'passes' });
  }, 120_000);

  it.each([
    ['package', 'pool/main/millrace-sample_1.0_all.deb', /the Debian package is not the one that the index declares|damaged or truncated/],
    ['index', 'dists/stable/main/binary-amd64/Packages', /the index is not the one that the signed Release file declares/],
    ['release', 'dists/stable/InRelease', /the signature of the Release file does not hold/],
    ['source', 'pool/main/millrace-src_1.0.orig.tar.gz', /the source file is not the one that the index declares/],
  ])('is refused a %s of which one byte was changed', async (what, tampered, reason) => {
    served = { repository: inline, tampered };
    const { report, exitCode, directory: project } = await build();
    expect(exitCode).not.toBe(0);
    expect(report['refused-requests']).toContainEqual(expect.objectContaining({ rule: 'verdict', url: expect.stringContaining(tampered), reason: expect.stringMatching(reason) }));
    expect(existsSync(path.join(project, path.basename(tampered)))).toBe(false);
    recordVerdict({ ecosystem: 'apt', client: 'apt-get update, download, source', build: `a ${what} of which one byte was changed`, verdict: 'refused', reason: reason.source.split('|')[0] ?? '' });
  }, 120_000);

  it('is refused a repository that nobody signed, also when apt itself would take it', async () => {
    served = { repository: await makeRepository(path.join(directory(), 'repo'), key, 'nothing') };
    const { report, exitCode } = await build();
    expect(exitCode).not.toBe(0);
    expect(report['refused-requests'].map(({ reason }) => reason)).toContainEqual(expect.stringContaining('the Release file has no signature yet: its Release.gpg could not be fetched'));
    recordVerdict({ ecosystem: 'apt', client: 'apt-get update', build: 'a repository without a signature', verdict: 'refused', reason: 'the Release file has no signature' });
  }, 120_000);

  it("passes in a strict session with the machine's own archive and keyrings", async () => {
    served = { repository: inline };
    const project = directory();
    const apt = aptCommand(project, undefined).join(' ');
    const deb822 = path.join(project, 'root/etc/apt/sources.list.d');
    for (const name of readdirSync(deb822).filter((file) => file.endsWith('.sources'))) {
      const file = path.join(deb822, name);
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/^Types: deb$/gm, 'Types: deb deb-src'));
    }
    mkdirSync(path.join(project, 'packages'));
    const source = `if ls ${project}/root/var/lib/apt/lists/*_source_Sources* > /dev/null 2>&1; then ${apt} source --download-only hello; fi`;
    const { report } = await runInSession(service(), { policy: 'strict', directory: project, command: ['sh', '-c', `cd packages && ${apt} update && ${apt} download hello && ${source}`] });
    const lines = summaries(report);
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^application\/vnd\.debian\.binary-package hello \S+ Approved$/));
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'apt', client: 'apt-get update, download, source', build: "the machine's own archive, with its keyrings", verdict: 'passes' });
  }, 300_000);
});
