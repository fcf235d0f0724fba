import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { fileSha256 } from './file-digest.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom } from './session-report.js';

/** A root of its own: the machine's sources and keys, no lists, no cache, no installed packages. */
function aptRoot(directory: string): string {
  const root = path.join(directory, 'root');
  cpSync('/etc/apt', path.join(root, 'etc', 'apt'), { recursive: true, dereference: true });
  for (const name of ['lib/apt/lists/partial', 'lib/dpkg', 'cache/apt/archives/partial', 'log/apt']) mkdirSync(path.join(root, 'var', name), { recursive: true });
  writeFileSync(path.join(root, 'var', 'lib', 'dpkg', 'status'), '');
  return root;
}

describeClient('apt-get', ({ service, directory }) => {
  it('fetches its lists and a package, and the report has the bytes of both', async () => {
    const project = directory();
    const root = aptRoot(project);
    const settings = [`Dir=${root}`, `Dir::State::status=${root}/var/lib/dpkg/status`, 'Acquire::Languages=none', 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false'];
    const apt = `apt-get --quiet ${settings.map((setting) => `-o ${setting}`).join(' ')}`;
    const { report } = await runInSession(service(), { directory: project, command: ['sh', '-c', `${apt} update && ${apt} download hello`] });

    const lists = path.join(root, 'var', 'lib', 'apt', 'lists');
    const releases = readdirSync(lists).filter((name) => name.endsWith('InRelease'));
    expect(releases.length).toBeGreaterThan(0);
    const digests = artefactsFrom(report, /\/(In)?Release$/).map(({ metadata }) => metadata.sha256);
    expect(releases.map((name) => fileSha256(path.join(lists, name))).sort()).toEqual([...digests].sort());

    const [file] = readdirSync(project).filter((name) => name.endsWith('.deb'));
    const [artefact] = artefactsFrom(report, '.deb');
    expect(artefact?.metadata).toMatchObject({ type: 'application/vnd.debian.binary-package', sha256: fileSha256(path.join(project, file ?? '')) });
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
  }, 120_000);
});
