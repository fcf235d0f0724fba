import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { digest, samplePom, sampleParent } from '../../libs/inspectors/maven/__fixtures__/sample-repository.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { artefactsFrom, summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const honest = buildZip([{ name: 'sample.txt', content: 'one' }]);
const tampered = buildZip([{ name: 'sample.txt', content: 'two' }]);
const directory = '/maven/test/millrace/sample';
const versions = '<metadata><groupId>test.millrace</groupId><artifactId>sample</artifactId><versioning><versions><version>1.0</version></versions></versioning></metadata>';

function script(repository: string, dependency: string): string {
  return `apply plugin: 'java'
repositories { ${repository} }
dependencies { compile '${dependency}' }
task fetch { doLast { copy { from configurations.compile; into 'fetched' } } }
`;
}

describeClient('gradle', ({ service, directory: newDirectory }) => {
  let origin: LoopbackOrigin | undefined;
  let files: ReadonlyMap<string, Buffer> = new Map();

  beforeAll(async () => {
    origin = await startOrigin(service(), 'http', (request, response) => {
      const file = files.get(request.url ?? '');
      if (file === undefined) response.writeHead(404).end();
      else response.end(file);
    });
  });
  afterAll(() => origin?.close());

  /** The jar's checksum file is always the honest one's. */
  function serve(jar: Buffer): void {
    const all: readonly (readonly [name: string, bytes: Buffer | string, declared?: Buffer])[] = [
      ['/maven/test/millrace/parent/7/parent-7.pom', sampleParent],
      [`${directory}/maven-metadata.xml`, versions],
      [`${directory}/1.0/sample-1.0.pom`, samplePom],
      [`${directory}/1.0/sample-1.0.jar`, jar, honest],
    ];
    files = new Map(all.flatMap(([name, bytes, declared = bytes]) => [[name, Buffer.from(bytes)], [`${name}.sha256`, Buffer.from(digest('sha256', declared))]] as const));
  }

  function project(repository: string, dependency: string): { readonly directory: string; readonly command: string[] } {
    const build = newDirectory();
    writeFileSync(path.join(build, 'settings.gradle'), "rootProject.name = 'x'\n");
    writeFileSync(path.join(build, 'build.gradle'), script(repository, dependency));
    return { directory: build, command: ['gradle', '--no-daemon', '-g', path.join(build, 'home'), 'fetch'] };
  }

  it('gets a dependency by a range of versions in a strict session', async () => {
    serve(honest);
    const build = project(`maven { url '${origin?.url}/maven' }`, 'test.millrace:sample:1.+');
    const { report } = await runInSession(service(), { policy: 'strict', ...build });
    expect(existsSync(path.join(build.directory, 'fetched', 'sample-1.0.jar'))).toBe(true);
    const lines = summaries(report);
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(lines).toContain('application/java-archive test.millrace:sample 1.0 Approved');
    expect(lines).toContain('application/x.maven.metadata test.millrace:sample Approved');
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'maven', client: 'gradle', build: 'a jar from a repository on loopback', verdict: 'passes' });
  }, 180_000);

  it('gets no jar in a strict session that differs in one byte from what the checksum file says', async () => {
    serve(tampered);
    const build = project(`maven { url '${origin?.url}/maven' }`, 'test.millrace:sample:1.0');
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...build });
    expect(existsSync(path.join(build.directory, 'fetched', 'sample-1.0.jar'))).toBe(false);
    const reason = "the file's sha256 digest is not the one in its .sha256 file";
    const refused = report['refused-requests'].map(({ rule, reason: why, sha256: file }) => ({ rule, why, file }));
    expect(refused).toContainEqual({ rule: 'verdict', why: expect.stringContaining(reason), file: sha256(tampered) });
    recordVerdict({ ecosystem: 'maven', client: 'gradle', build: 'a jar from a repository on loopback, one byte changed', verdict: 'refused', reason });
  }, 180_000);

  it('gets a library in a strict session from the repository that Gradle itself names', async () => {
    const build = project('mavenCentral()', 'commons-codec:commons-codec:1.15');
    const { report } = await runInSession(service(), { policy: 'strict', ...build });
    expect(existsSync(path.join(build.directory, 'fetched', 'commons-codec-1.15.jar'))).toBe(true);
    expect(artefactsFrom(report, 'commons-codec-1.15.jar').map(({ result }) => result)).toEqual(['Approved']);
    expect(summaries(report).filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    recordVerdict({ ecosystem: 'maven', client: 'gradle', build: 'a library from the public repository', verdict: 'passes' });
  }, 180_000);
});
