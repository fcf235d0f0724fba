import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { digest, sampleParent, samplePom } from '../../libs/inspectors/maven/__fixtures__/sample-repository.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { artefactsFrom, summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

function jar(text: string): Buffer {
  return buildZip([
    { name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.0\r\n\r\n' },
    { name: 'sample.txt', content: text },
  ]);
}

const honest = jar('one');
const tampered = jar('two');
/** Maven gives it to every extension that does not bring one, and asks for the jar without its POM. */
const plexus = '/maven/org/codehaus/plexus/plexus-utils/1.1/plexus-utils-1.1';
const plexusPom = '<project><groupId>org.codehaus.plexus</groupId><artifactId>plexus-utils</artifactId><version>1.1</version></project>';
const stem = '/maven/test/millrace/sample/1.0/sample-1.0';

/** A mirror in place of every repository; an extension is fetched, jar and all, before any plugin is. */
function settings(url: string): string {
  return `<settings><mirrors><mirror><id>loopback</id><mirrorOf>*</mirrorOf><url>${url}/maven</url></mirror></mirrors></settings>`;
}
const extension = `<project><modelVersion>4.0.0</modelVersion><groupId>x.test</groupId><artifactId>x</artifactId><version>1</version><packaging>pom</packaging>
<build><extensions><extension><groupId>test.millrace</groupId><artifactId>sample</artifactId><version>1.0</version></extension></extensions></build></project>`;

const jarProject = `<project><modelVersion>4.0.0</modelVersion><groupId>x.test</groupId><artifactId>x</artifactId><version>1</version>
<properties><maven.compiler.source>8</maven.compiler.source><maven.compiler.target>8</maven.compiler.target></properties>
<dependencies><dependency><groupId>commons-codec</groupId><artifactId>commons-codec</artifactId><version>1.15</version></dependency></dependencies></project>`;
const java = 'class A { String hex = org.apache.commons.codec.binary.Hex.encodeHexString(new byte[1]); }\n';

describeClient('mvn', ({ service, directory }) => {
  let origin: LoopbackOrigin | undefined;
  let files: ReadonlyMap<string, Buffer> = new Map();

  beforeAll(async () => {
    origin = await startOrigin(service(), 'http', (request, response) => {
      const file = files.get(request.url ?? '');
      if (file === undefined) response.writeHead(404).end('nothing here');
      else response.end(file);
    });
  });
  afterAll(() => origin?.close());

  /** The jar's checksum file is always the honest one's. */
  function serve(served: Buffer): void {
    const parent = '/maven/test/millrace/parent/7/parent-7.pom';
    const all: readonly (readonly [name: string, bytes: Buffer | string, declared?: Buffer])[] = [
      [parent, sampleParent],
      [`${stem}.pom`, samplePom],
      [`${stem}.jar`, served, honest],
      [`${plexus}.pom`, plexusPom],
      [`${plexus}.jar`, jar('plexus')],
    ];
    files = new Map(all.flatMap(([name, bytes, declared = bytes]) => [[name, Buffer.from(bytes)], [`${name}.sha1`, Buffer.from(digest('sha1', declared))]] as const));
  }

  function project(pom: string): { readonly directory: string; readonly command: string[]; readonly repository: string } {
    const build = directory();
    writeFileSync(path.join(build, 'pom.xml'), pom);
    writeFileSync(path.join(build, 'settings.xml'), settings(origin?.url ?? ''));
    const repository = path.join(build, 'repository');
    return { directory: build, repository, command: ['mvn', '--batch-mode', '-s', 'settings.xml', `-Dmaven.repo.local=${repository}`, 'validate'] };
  }

  it('builds in a strict session with a jar whose POM and checksum file agree', async () => {
    serve(honest);
    const { repository, ...build } = project(extension);
    const { report } = await runInSession(service(), { policy: 'strict', ...build });
    expect(existsSync(path.join(repository, stem.slice('/maven/'.length).concat('.jar')))).toBe(true);
    expect(summaries(report).filter((line) => !line.startsWith('application/x.maven.checksum'))).toEqual([
      'application/java-archive org.codehaus.plexus:plexus-utils 1.1 Approved',
      'application/java-archive test.millrace:sample 1.0 Approved',
      'application/x.maven.pom org.codehaus.plexus:plexus-utils 1.1 Approved',
      'application/x.maven.pom test.millrace:parent 7 Approved',
      'application/x.maven.pom test.millrace:sample 1.0 Approved',
    ]);
    // Checksum files that the repository does not have, asked for by the inspector; only their bodies were kept back.
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'maven', client: 'mvn', build: 'a jar from a repository on loopback', verdict: 'passes' });
  }, 120_000);

  it('gets no jar in a strict session that differs in one byte from what the checksum file says', async () => {
    serve(tampered);
    const { repository, ...build } = project(extension);
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...build });
    expect(existsSync(path.join(repository, stem.slice('/maven/'.length).concat('.jar')))).toBe(false);
    const reason = "the file's sha1 digest is not the one in its .sha1 file";
    const refused = report['refused-requests'].map(({ rule, reason: why, sha256: file }) => ({ rule, why, file }));
    expect(refused).toContainEqual({ rule: 'verdict', why: expect.stringContaining(reason), file: sha256(tampered) });
    expect(summaries(report)).toContain('application/java-archive test.millrace:sample 1.0 Rejected');
    recordVerdict({ ecosystem: 'maven', client: 'mvn', build: 'a jar from a repository on loopback, one byte changed', verdict: 'refused', reason });
  }, 120_000);

  it('compiles and packs in a strict session from the repository that the machine is configured with', async () => {
    const { repository, directory: build } = project(jarProject);
    mkdirSync(path.join(build, 'src', 'main', 'java'), { recursive: true });
    writeFileSync(path.join(build, 'src', 'main', 'java', 'A.java'), java);
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: ['mvn', '--batch-mode', `-Dmaven.repo.local=${repository}`, 'package'] });
    expect(existsSync(path.join(build, 'target', 'x-1.jar'))).toBe(true);
    expect(summaries(report).filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(report['refused-requests']).toEqual([]);
    expect(artefactsFrom(report, 'commons-codec-1.15.jar')[0]?.metadata).toMatchObject({ name: 'commons-codec:commons-codec', license: 'Apache-2.0' });
    recordVerdict({ ecosystem: 'maven', client: 'mvn package', build: 'a jar project with one dependency and Maven\'s own plugins', verdict: 'passes' });
  }, 300_000);
});
