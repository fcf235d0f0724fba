import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inputsDigest } from '../compose-record/inputs-digest.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { composeRequest } from '../testing/compose-request.js';
import { startFakePulp3, type FakePulp3 } from '../testing/fake-pulp-3.js';
import { buildKitchen, type Kitchen } from './__fixtures__/kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { runDnf } from './__fixtures__/run-dnf.js';
import { scratchEngine, type ScratchEngine } from './__fixtures__/scratch-engine.js';

const options = { signal: new AbortController().signal };
let kitchen: Kitchen;
let pulp: FakePulp3;
let scratch: ScratchEngine;

beforeAll(async () => {
  kitchen = buildKitchen();
  const served = path.join(kitchen.packages, 'served');
  kitchen.repository(path.join(served, 'baseos/x86_64'), (name) => !name.startsWith('lid'));
  kitchen.repository(path.join(served, 'extras'), (name) => name.startsWith('lid'));
  pulp = await startFakePulp3({ directory: served, login: 'millrace:sesame' });
  const file = path.join(kitchen.packages, 'pulp.yaml');
  writeFileSync(file, `version: 3\nurl: ${pulp.url}\nusername: millrace\npassword: { file: ${kitchen.packages}/password }\n`);
  writeFileSync(path.join(kitchen.packages, 'password'), 'sesame\n');
  for (const name of ['baseos', 'extras']) pulp.addRepository(name);
  pulp.addDistribution('baseos-x86_64', { basePath: 'baseos/x86_64', labels: { content_set: 'baseos-rpms', arch: 'x86_64', signatures: 'fd431d51' }, repository: 'baseos' });
  pulp.addDistribution('extras', { basePath: 'extras', labels: { content_set: 'extras-rpms' }, repository: 'extras' });
  scratch = await scratchEngine({ change: { pulpFile: file, composeTargetDirs: {} } });
}, 60_000);
afterAll(async () => {
  await scratch[Symbol.asyncDispose]();
  await pulp[Symbol.asyncDispose]();
  kitchen[Symbol.dispose]();
});

const wanted = (change: Partial<ComposeRequest> = {}): Partial<ComposeRequest> => ({ sourceType: 'pulp', source: ['extras-rpms', 'baseos-rpms'], ...change });
const repoFile = (id: number): string => scratch.path(id, `compose/Temporary/odcs-${id}.repo`);

describe('a compose of content sets', () => {
  it('has a .repo file that leads to Pulp, and no packages', async () => {
    expect(await scratch.compose(1, wanted({ packages: ['kettle'] }))).toMatchObject({ packages: 0, bytes: 0, pungiComposeId: 'odcs-1-1-20261121.t.0' });
    expect(readFileSync(repoFile(1), 'utf8')).toBe(
      ['', '[baseos-x86_64]', 'name=baseos-x86_64', `baseurl=${pulp.url}/pulp/content/baseos/x86_64/`, 'enabled=1', 'gpgcheck=0', '', '[extras]', 'name=extras', `baseurl=${pulp.url}/pulp/content/extras/`, 'enabled=1', 'gpgcheck=0', ''].join('\n'),
    );
    expect(filesBelow(scratch.path(1, 'compose'))).toEqual(['Temporary/odcs-1.repo', 'metadata/composeinfo.json', 'metadata/images.json', 'metadata/rpms.json']);
    const { variants } = (JSON.parse(readFileSync(scratch.path(1, 'compose/metadata/composeinfo.json'), 'utf8')) as { payload: { variants: object } }).payload;
    expect(variants).toMatchObject({ Temporary: { arches: ['x86_64'], paths: { os_tree: {} } } });
    const log = readFileSync(scratch.path(1, 'pungi-stderr.log'), 'utf8');
    expect(log).toContain(`extras is at ${pulp.url}/pulp/content/extras/`);
    expect(log).toContain('packages and builds have no effect');
    expect(readFileSync(scratch.path(1, 'STATUS'), 'utf8')).toBe('FINISHED\n');
  });

  it('serves dnf, from several repositories at once', async () => {
    await scratch.compose(2, wanted({ flags: ['use_only_compatible_arch'] }));
    expect(readFileSync(repoFile(2), 'utf8')).toContain(`baseurl=${pulp.url}/pulp/content/baseos/$basearch/\nenabled=1\ngpgcheck=0\nskip_if_unavailable=1\n`);
    const own = path.join(kitchen.packages, 'dnf');
    expect(await runDnf(own, repoFile(2), 'install', 'kettle')).toMatchObject({ status: 0, output: expect.stringMatching(/kettle-1\.0-1\.x86_64[^]*lid-2:1\.0-1\.noarch/) });
    expect(filesBelow(path.join(own, 'root/usr/share/millrace'))).toEqual(['kettle.txt', 'lid.txt']);
  }, 60_000);

  it('is another compose when Pulp has other repositories, and only then', async () => {
    const digest = async (change: Partial<ComposeRequest> = {}): Promise<string> => inputsDigest(1, await scratch.engine.pin(composeRequest(wanted(change)), options));
    const before = await digest();
    expect(await digest({ arches: ['s390x'], sigkeys: ['0123abcd'] })).toBe(before);
    pulp.addRepository('late');
    pulp.addDistribution('late', { basePath: 'late', repository: 'late' });
    expect(await digest()).toBe(before);
    pulp.addDistribution('late-x86_64', { basePath: 'late/x86_64', labels: { content_set: 'extras-rpms' }, repository: 'late' });
    expect(await digest()).not.toBe(before);
  });

  it('is looked up anew when it is renewed, because its plan has no packages', async () => {
    const { plan } = await scratch.compose(3, wanted());
    pulp.addRepository('later');
    pulp.addDistribution('later', { basePath: 'later', labels: { content_set: 'baseos-rpms' }, repository: 'later' });
    await scratch.compose(4, wanted({ pinnedPlan: plan }));
    expect(readFileSync(repoFile(4), 'utf8')).toContain('[later]');
    expect(readFileSync(repoFile(3), 'utf8')).not.toContain('[later]');
  });

  it('has only architectures that there are, whatever Pulp was told, so that it can be tried again and renewed', async () => {
    pulp.addRepository('odd');
    pulp.addDistribution('odd', { basePath: 'odd', labels: { content_set: 'odd-rpms', arch: 'noarch x86_64 ../../../odcs-1' }, repository: 'odd' });
    const { request } = await scratch.engine.pin(composeRequest(wanted({ source: ['odd-rpms'], arches: ['x86_64', 'i686'], multilibArches: ['i686'] })), options);
    expect(request.arches).toEqual(['x86_64']);
    expect(() => scratch.engine.check(request)).not.toThrow();
  });

  it('has empty repositories where all that it asks for is absent', async () => {
    const inputs = await scratch.engine.pin(composeRequest(wanted({ source: ['nope'], arches: ['x86_64', 'aarch64'], flags: ['ignore_absent_pulp_repos'] })), options);
    expect(inputs).toMatchObject({ request: { source: [] }, links: [] });
    await scratch.engine.generate({ id: 5, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options);
    for (const arch of ['x86_64', 'aarch64']) expect(existsSync(scratch.path(5, `compose/Temporary/${arch}/os/repodata/repomd.xml`))).toBe(true);
    expect(readFileSync(repoFile(5), 'utf8')).toContain('baseurl=http://composes.example/composes/odcs-5/compose/Temporary/$basearch/os');
    // So that it can be renewed.
    scratch.engine.check(inputs.request);
    expect(await failureOf(scratch.compose(6, wanted({ source: ['nope', 'extras-rpms'] })))).toMatchObject({ code: 'unresolvable', message: `the Pulp server ${pulp.url} has no content set or repository nope` });
  });

  it('is refused at once where it cannot be made', async () => {
    const reasonOf = (change: Partial<ComposeRequest>, { engine } = scratch): string => {
      try {
        engine.check(composeRequest(wanted(change)));
        return 'none';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(reasonOf({})).toBe('none');
    expect(reasonOf({ source: [] })).toContain('source type pulp needs a source');
    expect(reasonOf({ results: ['repository', 'iso'] })).toContain('source type pulp has no packages to make iso of');
    expect(reasonOf({ source: Array.from({ length: 1001 }, (_, index) => `set-${index}`) })).toContain('1000 are the most');
    await using without = await scratchEngine();
    expect(reasonOf({}, without)).toContain('need a connection to a Pulp server (MILLRACE_PULP), which this service does not have');
    expect(await failureOf(without.engine.pin(composeRequest(wanted()), options))).toMatchObject({ code: 'invalid-setting' });
  });

  it('is made by a thread although the file of MILLRACE_PULP is broken by then', async () => {
    const inputs = await scratch.engine.pin(composeRequest(wanted()), options);
    rmSync(scratch.settings.pulpFile as string);
    await scratch.engine.generate({ id: 7, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options);
    expect(await failureOf(scratch.engine.pin(composeRequest(wanted()), options))).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('MILLRACE_PULP: cannot read') });
  });
});
