import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { startFakeKojiHub, type FakeKojiHub } from '../../libs/testing/fake-koji-hub.js';
import { fakeModulemd } from '../../libs/testing/fake-mbs.js';
import { pythonTool } from '../server/python-tool.js';

const version = '1.36.1';
const needed = ['requests==2.34.2', 'urllib3', 'idna', 'certifi', 'charset-normalizer', 'python-dateutil', 'six', 'defusedxml'];
const directory = mkdtempSync(path.join(tmpdir(), 'millrace-koji-client-'));
let hub: FakeKojiHub;
let python: string;
let scratch: number;

beforeAll(async () => {
  // Not all that it asks for: its Kerberos part has no wheel, and reading from a hub needs none.
  python = await pythonTool({ name: `koji-${version}-1`, requirements: ['--no-deps', `koji==${version}`, ...needed] });
  hub = await startFakeKojiHub(path.join(directory, 'koji'));
  const packages = path.join(directory, 'packages');
  buildPackages(packages, [{ name: 'lid', epoch: 2, arch: 'noarch' }]);
  hub.addTag('base');
  hub.addTag('updates', 'base');
  hub.tag('base', await hub.addBuild(...readdirSync(packages).map((file) => path.join(packages, file))));
  hub.addSignatures('lid-1.0-1', '2D5DE8ADAA6CE4CF');
  scratch = hub.addScratchBuild({ noarch: readdirSync(packages).map((file) => path.join(packages, file)) });
}, 300_000);
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs Python with `session`, a session of the hub, and answers what it leaves in `result`. */
async function ask(...lines: readonly string[]): Promise<unknown> {
  const program = ['import json, sys, koji', 'session = koji.ClientSession(sys.argv[1])', ...lines, 'print(json.dumps(result))'];
  const { stdout } = await promisify(execFile)(python, ['-c', program.join('\n'), hub.url]);
  return JSON.parse(stdout);
}

describe(`the fake hub and the real client of Koji ${version}`, () => {
  it('understand each other about events, tags, packages and signatures', async () => {
    expect(await ask('result = [session.getLastEvent()["id"], session.getTag("updates")["id"], session.getTag("none")]')).toEqual([hub.lastEvent, 2, null]);
    const [rpms, builds] = (await ask('result = session.listTaggedRPMS("updates", event=session.getLastEvent()["id"], inherit=True, latest=True, rpmsigs=True, arch=["noarch"])')) as object[][];
    expect(rpms).toMatchObject([{ name: 'lid', epoch: 2, arch: 'noarch', sigkey: '' }, { name: 'lid', sigkey: 'aa6ce4cf' }]);
    expect(builds).toMatchObject([{ nvr: 'lid-1.0-1', tag_name: 'base', volume_name: 'DEFAULT' }]);
    expect(await ask('result = [session.queryRPMSigs(rpm_id=r["id"]) for r in session.listBuildRPMs(session.getBuild("lid-1.0-1")["id"])]')).toMatchObject([[{ sigkey: '' }, { sigkey: 'aa6ce4cf' }], [{ sigkey: '' }, { sigkey: 'aa6ce4cf' }]]);
  }, 60_000);

  it('understand each other about tasks of scratch builds', async () => {
    const [task, children] = (await ask(`result = [session.getTaskInfo(${scratch}, request=True), session.getTaskDescendents(${scratch})]`)) as [object, object];
    expect(task).toMatchObject({ id: scratch, method: 'build', state: 2, request: ['cli-build/1767916800.1.abcdEFGH/lid-1.0-1.src.rpm', 'sp1', { scratch: true }] });
    expect(children).toMatchObject({ [scratch]: [{ id: scratch + 1, method: 'buildArch', parent: scratch }], [scratch + 1]: [] });
    const directory = `tasks/${(scratch + 1) % 10_000}/${scratch + 1}`;
    expect(await ask(`result = [session.getTaskResult(${scratch + 1}), koji.PathInfo(topdir="").taskrelpath(${scratch + 1})]`)).toMatchObject([{ rpms: [`${directory}/lid-1.0-1.noarch.rpm`], srpms: [`${directory}/lid-1.0-1.src.rpm`] }, directory]);
    const failed = hub.addScratchBuild({}, { state: 5 });
    expect(await ask('try:', `    session.getTaskResult(${failed})`, 'except koji.GenericError as error:', '    result = [type(error).__name__, error.faultCode]')).toEqual(['BuildError', 1005]);
  }, 60_000);

  it('understand each other about modules', async () => {
    hub.addTag('modular');
    const module = { name: 'mill', stream: 'rel-1', version: '20260101000000', context: 'abcdef01' };
    hub.tag('modular', hub.addModule(module, { content: 'module-mill', documents: { x86_64: fakeModulemd(module, { arch: 'x86_64', artifacts: [] }) } }));
    const nvr = 'mill-rel_1-20260101000000.abcdef01';
    expect(await ask('result = [session.listTagged("modular", inherit=True, type="module"), session.listTagged("base", type="module")]')).toMatchObject([[{ nvr, name: 'mill', version: 'rel_1', release: '20260101000000.abcdef01', tag_name: 'modular' }], []]);
    expect(await ask(`build = session.getBuild("${nvr}")`, 'result = [build["extra"]["typeinfo"]["module"], session.listArchives(build["id"])]')).toMatchObject([{ ...module, content_koji_tag: 'module-mill' }, [{ filename: 'modulemd.txt', btype: 'module' }, { filename: 'modulemd.x86_64.txt' }]]);
  }, 60_000);

  it('understand each other about faults, also in one of several calls', async () => {
    const fault = ['try:', '    session.listTaggedRPMS("none")', 'except koji.GenericError as error:', '    result = [error.faultCode, str(error)]'];
    expect(await ask(...fault)).toEqual([1000, "No such tagInfo: 'none'"]);
    expect(await ask('session.multicall = True', 'session.getLastEvent()', 'session.nope()', 'session.getBuild("none-1-1")', 'result = session.multiCall()')).toMatchObject([[{ id: hub.lastEvent }], { faultCode: 1000, faultString: 'Invalid method: nope' }, [null]]);
  }, 60_000);
});
