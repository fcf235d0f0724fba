import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { fileSha256 } from './file-digest.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom } from './session-report.js';

/** An extension is fetched, jar and all, before any plugin is: the smallest build that brings a library. */
const pom = `<project><modelVersion>4.0.0</modelVersion><groupId>x.test</groupId><artifactId>x</artifactId><version>1</version><packaging>pom</packaging>
<build><extensions><extension><groupId>commons-codec</groupId><artifactId>commons-codec</artifactId><version>1.15</version></extension></extensions></build></project>
`;

describeClient('mvn', ({ service, directory }) => {
  it('fetches poms and jars, and the report has the bytes of its local repository', async () => {
    const project = directory();
    writeFileSync(path.join(project, 'pom.xml'), pom);
    const repository = path.join(project, 'repository');
    const { report, stdout } = await runInSession(service(), { directory: project, command: ['mvn', '--batch-mode', `-Dmaven.repo.local=${repository}`, 'validate'] });
    expect(stdout).toContain('BUILD SUCCESS');
    for (const ending of ['jar', 'pom']) {
      const file = path.join('commons-codec', 'commons-codec', '1.15', `commons-codec-1.15.${ending}`);
      expect(existsSync(path.join(repository, file))).toBe(true);
      expect(artefactsFrom(report, `/${file}`).map(({ metadata }) => metadata.sha256)).toEqual([fileSha256(path.join(repository, file))]);
    }
    expect(artefactsFrom(report, '.jar')[0]?.metadata.type).toBe('application/java-archive');
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
  }, 120_000);
});
