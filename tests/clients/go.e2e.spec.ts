import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { fileSha256 } from './file-digest.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom } from './session-report.js';

describeClient('go', ({ service, directory }) => {
  it('fetches a module from its proxy, and the report has the bytes of its module cache', async () => {
    const project = directory();
    writeFileSync(path.join(project, 'go.mod'), 'module x.test/x\n\ngo 1.20\n');
    const { report, stdout } = await runInSession(service(), {
      directory: project,
      command: ['go', 'mod', 'download', '-json', 'rsc.io/quote@v1.5.2'],
      environment: { GOPATH: path.join(project, 'path'), GOMODCACHE: path.join(project, 'modules'), GOCACHE: path.join(project, 'cache'), GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' },
    });
    const downloaded = JSON.parse(stdout) as { readonly GoMod: string; readonly Zip: string };
    // Not the .info file: go writes that anew.
    for (const file of [downloaded.GoMod, downloaded.Zip]) {
      expect(artefactsFrom(report, `/rsc.io/quote/@v/${path.basename(file)}`).map(({ metadata }) => metadata.sha256)).toEqual([fileSha256(file)]);
    }
    expect(artefactsFrom(report, '.zip')[0]?.metadata.type).toBe('application/x.go.module.zip');
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
  }, 120_000);
});
