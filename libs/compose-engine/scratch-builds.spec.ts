import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { inputsDigest } from '../compose-record/inputs-digest.js';
import { composeRequest } from '../testing/compose-request.js';
import { startFakeKojiHub, type FakeKojiHub } from '../testing/fake-koji-hub.js';
import { failureOf } from './__fixtures__/read-tree.js';
import { buildPackages, createSigningKey, type SigningKey } from './__fixtures__/rpm-packages.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const work = mkdtempSync(path.join(tmpdir(), 'millrace-scratch-'));
const top = path.join(work, 'koji');
const options = { signal: new AbortController().signal };
let hub: FakeKojiHub;
let mounted: ScratchEngine;
let remote: ScratchEngine;
let key: SigningKey;
let kettle: readonly string[];
let task: number;

beforeAll(async () => {
  hub = await startFakeKojiHub(top);
  key = createSigningKey();
  hub.addTag('base');
  hub.tag('base', await hub.addBuild(...build('kettle', { requires: ['lid'], subpackages: { devel: ['kettle'] } })));
  hub.tag('base', await hub.addBuild(...build('lid', { arch: 'noarch' })));
  // Without the subpackage that the tag has of it.
  kettle = build('kettle', { version: '2.0', epoch: 1, requires: ['lid'] });
  task = hub.addScratchBuild({ x86_64: kettle, aarch64: kettle.filter((file) => file.endsWith('.src.rpm')) });
  mounted = await scratchEngine({ change: { koji: { hub: hub.url, top } } });
  remote = await scratchEngine({ change: { koji: { hub: hub.url, top: hub.topUrl } } });
}, 60_000);
afterAll(async () => {
  key[Symbol.dispose]();
  await mounted[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

function build(name: string, spec: Omit<Parameters<typeof buildPackages>[1][number], 'name'>): string[] {
  const directory = mkdtempSync(path.join(work, 'build-'));
  buildPackages(directory, [{ name, ...spec }]);
  return readdirSync(directory).map((file) => path.join(directory, file));
}

const onTag = (change: Partial<ComposeRequest> = {}): Partial<ComposeRequest> => ({ sourceType: 'tag', source: ['base'], scratchBuildTasks: [String(task)], ...change });
const alone = (...tasks: readonly number[]): Partial<ComposeRequest> => ({ sourceType: 'build', scratchBuildTasks: tasks.map(String) });
const tree = (scratch: ScratchEngine, id: number) => JSON.parse(readFileSync(scratch.path(id, 'work/global/plan.json'), 'utf8')).trees[0] as Record<'packages' | 'sources', PlannedPackage[]>;
const names = (list: readonly PlannedPackage[]): string[] => list.map(({ name, version, release, arch }) => `${name}-${version}-${release}.${arch}`);

describe('a compose with scratch builds', () => {
  it('has their packages instead of what the tag has of theirs', async () => {
    await mounted.compose(1, onTag());
    expect(names(tree(mounted, 1).packages)).toEqual(['kettle-2.0-1.x86_64', 'lid-1.0-1.noarch']);
    expect(names(tree(mounted, 1).sources)).toEqual(['kettle-2.0-1.src', 'lid-1.0-1.src']);
    expect(tree(mounted, 1).packages[0]).toMatchObject({ epoch: 1, sigkey: '', from: `${top}/work/tasks/${(task + 1) % 10_000}/${task + 1}/kettle-2.0-1.x86_64.rpm` });
    await remote.compose(1, onTag({ packages: ['kettle'] }));
    expect(names(tree(remote, 1).packages)).toEqual(['kettle-2.0-1.x86_64', 'lid-1.0-1.noarch']);
    expect(tree(remote, 1).packages[0]).toMatchObject({ sha256: tree(mounted, 1).packages[0]?.sha256, from: `${hub.topUrl}/work/tasks/${(task + 1) % 10_000}/${task + 1}/kettle-2.0-1.x86_64.rpm` });
  });

  it('needs no builds besides them', async () => {
    await mounted.compose(2, alone(task));
    expect(names(tree(mounted, 2).packages)).toEqual(['kettle-2.0-1.x86_64']);
  });

  it('is pinned by their content: another build of the same name makes another compose', async () => {
    const digest = async (id: number): Promise<string> => inputsDigest(1, { ...(await mounted.engine.pin(composeRequest(onTag({ scratchBuildTasks: [String(id)] })), options)), request: composeRequest() });
    const other = hub.addScratchBuild({ x86_64: build('kettle', { version: '2.0', epoch: 1, text: 'other' }) });
    expect(await digest(task)).toBe(await digest(task));
    expect(await digest(other)).not.toBe(await digest(task));
  });

  it('needs them to be signed as everything else', async () => {
    expect(await failureOf(mounted.compose(3, { ...alone(task), sigkeys: [key.keyId] }))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('kettle-2.0-1.x86_64.rpm (unsigned)') });
    await mounted.compose(4, { ...alone(task), sigkeys: [key.keyId, ''] });
    const signed = build('spoon', { arch: 'noarch' });
    key.sign(...signed);
    await mounted.compose(5, { ...alone(hub.addScratchBuild({ noarch: signed })), sigkeys: [key.keyId] });
    expect(tree(mounted, 5).packages).toMatchObject([{ name: 'spoon', sigkey: key.keyId }]);
  });

  it('names every task that has no packages to give, and why', async () => {
    const [open, cancelled, failed] = [1, 3, 5].map((state) => hub.addScratchBuild({}, { state })) as [number, number, number];
    const real = hub.addScratchBuild({ x86_64: kettle }, { scratch: false });
    const error = await failureOf(mounted.compose(6, alone(99, open, cancelled, failed, real, task + 1)));
    expect(error).toMatchObject({ code: 'unresolvable' });
    expect(error.message).toBe(
      `scratch_build_tasks of the Koji hub ${hub.url}: there is no task 99; task ${open} is open; task ${cancelled} is cancelled; task ${failed} is failed; task ${real} is no scratch build: builds can name what came of it; task ${task + 1} is a buildArch, no build: task ${task} is`,
    );
    const empty = hub.addScratchBuild({ x86_64: [] });
    expect(await failureOf(mounted.compose(7, alone(task, empty)))).toMatchObject({ code: 'unresolvable', message: `the Koji hub ${hub.url} has no packages for x86_64 of the scratch builds ${empty}` });
  });

  it('says that Koji has deleted their files; a renewal has them from the content store, where it has kept them', async () => {
    const short = hub.addScratchBuild({ noarch: build('fork', { arch: 'noarch' }) });
    const { plan } = await mounted.compose(8, alone(short));
    const inputs = await mounted.engine.pin(composeRequest(alone(short)), options);
    hub.removeTaskFiles(short);
    const gone = `the files of the scratch builds ${short} of the Koji hub ${hub.url} are not there any more: Koji deletes them after some time`;
    for (const scratch of [mounted, remote]) expect(await failureOf(scratch.compose(9, alone(short)))).toMatchObject({ code: 'unresolvable', message: gone });
    const before = tree(mounted, 8).packages;
    await mounted.compose(10, { ...alone(short), pinnedPlan: plan });
    expect(tree(mounted, 10).packages).toEqual(before);
    // Pinned before, and read by a worker that has seen none of it.
    await using elsewhere = await scratchEngine({ change: { koji: { hub: hub.url, top } } });
    expect(await failureOf(elsewhere.engine.generate({ id: 11, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options))).toMatchObject({ code: 'unresolvable', message: gone });
    for (const { sha256 } of before) rmSync(path.join(mounted.settings.home, 'blobs/content', sha256.slice(0, 2), sha256));
    await mounted.engine.remove({ id: 8, targetDir: 'default' });
    await mounted.engine.remove({ id: 10, targetDir: 'default' });
    expect(await failureOf(mounted.compose(12, { ...alone(short), pinnedPlan: plan }))).toMatchObject({ code: 'unresolvable', message: expect.stringMatching(/1 of its packages are gone: fork-1\.0-1\.noarch\.rpm \(was at /) });
  });

  it('takes no file that is another package than its name says, or is none', async () => {
    const swapped = hub.addScratchBuild({ noarch: build('plate', { arch: 'noarch' }) });
    const file = path.join(top, `work/tasks/${(swapped + 1) % 10_000}/${swapped + 1}/plate-1.0-1.noarch.rpm`);
    writeFileSync(file, readFileSync(kettle.find((each) => each.endsWith('x86_64.rpm')) as string));
    expect(await failureOf(mounted.compose(13, alone(swapped)))).toMatchObject({ code: 'source-invalid', message: `${file} is another package than its name says: kettle-2.0-1.x86_64.rpm` });
    writeFileSync(file, '<html>not here</html>');
    expect(await failureOf(mounted.compose(14, alone(swapped)))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining(file) });
  });

  it('is refused at once with what are no ids', () => {
    expect(() => mounted.engine.check(composeRequest(onTag({ scratchBuildTasks: ['12', '0', 'x', '1.5'] })))).toThrow('scratch_build_tasks are ids of tasks, and not 0, x, 1.5');
    expect(() => mounted.engine.check(composeRequest({ sourceType: 'build' }))).toThrow('needs builds');
    expect(() => mounted.engine.check(composeRequest(onTag({ scratchBuildTasks: Array.from({ length: 501 }, (_, index) => String(index + 1)) })))).toThrow('500 are the most');
  });
});
