import { chmodSync, existsSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { pungiSpecs, rawConfig, rawRequest } from './__fixtures__/pungi-kitchen.js';
import { failureOf, filesBelow } from './__fixtures__/read-tree.js';
import { git } from '../testing/start-git-server.js';
import { composeRequest } from '../testing/compose-request.js';
import type { ScratchEngine } from './__fixtures__/scratch-engine.js';

const { kitchen, scratch } = pungiSpecs();

const logs = ['pungi-stderr.log', 'pungi-stdout.log'];
const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
/** Of a type and a name in it. */
const linkOf = (engine: ScratchEngine, ...names: string[]): string => readlinkSync(path.join(engine.settings.composes, ...names));

describe('a compose of a raw configuration', () => {
  it('is what Pungi makes, published as all composes are', async () => {
    const generated = await scratch().compose(1, rawRequest({ source: ['packages#main'], packages: ['hello'] }));
    expect(generated).toMatchObject({ packages: 1, pungiComposeId: 'Kitchen-1.0-20261121.n.0' });
    expect(filesBelow(scratch().path(1)).filter((file) => !/repodata|^logs/.test(file)).sort()).toEqual([
      'COMPOSE_ID',
      'STATUS',
      'compose/Server/x86_64/os/Packages/h/hello-1.0-1.noarch.rpm',
      'compose/metadata/composeinfo.json',
      'compose/metadata/images.json',
      'compose/metadata/rpms.json',
      'pungi-stderr.log',
      'pungi-stdout.log',
      'work/global/composeinfo-base.json',
      'work/global/generation.json',
      'work/global/plan.json',
    ]);
    expect(readFileSync(scratch().path(1, 'pungi-stderr.log'), 'utf8')).toMatch(/COMPOSE_ID=Kitchen-1\.0-20261121\.n\.0\n[^]*Compose finished/);
    expect(readFileSync(scratch().path(1, 'pungi-stdout.log'), 'utf8')).toContain('fake pungi');
    expect(existsSync(path.join(scratch().settings.composes, '.staging/odcs-1'))).toBe(false);
  });

  it('is found by the names that ODCS gives, until it is removed', async () => {
    await scratch().compose(2, rawRequest({ composeType: 'ci', label: 'RC-1.0' }));
    const names = ['Kitchen-1.0-20261121.ci.0', 'latest-Kitchen-1.0', 'latest-Kitchen-1.0-RC-1.0'];
    expect(names.map((name) => linkOf(scratch(), 'ci', name))).toEqual(names.map(() => '../odcs-2'));
    await scratch().engine.remove({ id: 2, targetDir: 'default' });
    expect(names.map((name) => existsSync(path.join(scratch().settings.composes, 'ci', name)))).toEqual([false, false, false]);
  });

  it('is refused a label that is no part of a name, before Pungi has worked for it', () => {
    const check = (label: string): void => scratch().engine.check(composeRequest(rawRequest({ composeType: 'production', label })));
    expect(() => check('RC-20261121.10')).not.toThrow();
    expect(() => check(`RC-${'1'.repeat(300)}.0`)).toThrow('is no label that Pungi takes');
  });

  it('is given the command line, the directory and the environment that ODCS gives', async () => {
    await scratch().compose(3, rawRequest({ composeType: 'production', label: 'RC-2.0', flags: ['no_label'], parentPungiComposeIds: ['A-1-20261120.0', 'B-1-20261120.0'], respinOf: 'Kitchen-1.0-20261119.0', kojiEvent: 42 }));
    const command = /Command line: (.*)/.exec(readFileSync(scratch().path(3, 'logs/global/pungi.global.log'), 'utf8'))?.[1]?.split(' ').slice(1) ?? [];
    const [config, rest] = [command[0] ?? '', command.slice(1)];
    expect(config).toMatch(/^--config=\/.*\/configuration\/pungi\.json$/);
    expect(rest[1]).toMatch(/^--compose-dir=\/.*\/\.staging\/odcs-3\/[0-9a-f-]{36}$/);
    expect([rest[0], ...rest.slice(2)]).toEqual(['--no-latest-link', '--production', '--label=RC-2.0', '--no-label', '--parent-compose-id=A-1-20261120.0', '--parent-compose-id=B-1-20261120.0', '--respin-of=Kitchen-1.0-20261119.0', '--koji-event', '42', '--old-composes', path.join(scratch().settings.composes, 'production')]);
    const environment = json(scratch().path(3, 'logs/global/environment.log'));
    expect(Object.keys(environment).filter((name) => !['LC_CTYPE', 'PWD'].includes(name)).sort()).toEqual(['HOME', 'LANG', 'MILLRACE_COMPOSE', 'MILLRACE_TOOL', 'ODCS_RAW_CONFIG_SOURCE_NAME', 'PATH']);
    expect(environment).toMatchObject({ HOME: kitchen().folder, MILLRACE_COMPOSE: 'odcs-3', ODCS_RAW_CONFIG_SOURCE_NAME: 'kitchen' });
    expect(json(scratch().path(3, 'work/global/composeinfo-base.json')).payload.compose).toEqual({ id: 'Kitchen-1.0-20261121.0', date: '20261121', respin: 0, type: 'production', label: 'RC-2.0', final: false });
  });

  it('has a number of its own, also among those of the same day, and keeps it from attempt to attempt', async () => {
    const ids = [];
    for (const id of [10, 11]) ids.push((await scratch().compose(id, rawRequest({ composeType: 'development' }))).pungiComposeId);
    await scratch().engine.remove({ id: 11, targetDir: 'default' });
    ids.push((await scratch().compose(12, rawRequest({ composeType: 'development' }))).pungiComposeId);
    ids.push((await scratch().compose(11, rawRequest({ composeType: 'development' }))).pungiComposeId);
    expect(ids).toEqual([0, 1, 2, 1].map((respin) => `Kitchen-1.0-20261121.d.${respin}`));
    // The newest by its number, not the one that ended last.
    expect(linkOf(scratch(), 'development', 'latest-Kitchen-1.0')).toBe('../odcs-12');
  });

  it('is of the commit that was pinned, whatever the branch has become', async () => {
    const options = { signal: new AbortController().signal };
    const inputs = await scratch().engine.pin(composeRequest(rawRequest()), options);
    expect(inputs.config).toEqual({ name: 'kitchen', url: kitchen().repository, commit: git(kitchen().repository, 'rev-parse', 'HEAD') });
    const before = git(kitchen().repository, 'rev-parse', 'HEAD');
    kitchen().commit('kitchen.conf', rawConfig('fake_exit = 1\n'));
    await scratch().engine.generate({ id: 20, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00.000Z' }, options);
    expect(existsSync(scratch().path(20, 'STATUS'))).toBe(true);
    git(kitchen().repository, 'reset', '--quiet', '--hard', before);
    expect((await failureOf(scratch().engine.pin(composeRequest(rawRequest({ source: ['kitchen#no-such-branch'] })), options)))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining('no-such-branch') });
  });

  it('may be in a target directory of its own, with links there', async () => {
    await scratch().compose(21, rawRequest({ targetDir: 'private' }), { targetDir: 'private' });
    expect(readlinkSync(path.join(scratch().settings.composeTargetDirs['private'] as string, 'nightly', 'latest-Kitchen-1.0'))).toBe('../odcs-21');
  });

  it('answers at once when it is there already, and gives back lost links', async () => {
    const first = await scratch().compose(22, rawRequest({ composeType: 'ci' }));
    await scratch().engine.remove({ id: 999, targetDir: 'default' });
    const inode = statSync(scratch().path(22, 'STATUS')).ino;
    expect(await scratch().compose(22, rawRequest({ composeType: 'ci' }))).toEqual(first);
    expect([statSync(scratch().path(22, 'STATUS')).ino, linkOf(scratch(), 'ci', first.pungiComposeId)]).toEqual([inode, '../odcs-22']);
  });
});

describe('a configuration', () => {
  it('may be wrapped: what the wrapper says holds, and it knows the compose', async () => {
    const wrapper = path.join(kitchen().folder, 'wrapper.conf');
    writeFileSync(wrapper, 'from raw_config import *\nrelease_short = "Wrapped"\nbuilds = [{% for build in compose.builds_list %}{{ build | literal }},{% endfor %}]\nlabel = {{ compose.label | literal }}\nasked = "{{ compose.source }}"\nevent = {{ compose.koji_event }}\n{% if compose.packages %}packages = "{{ compose.packages }}"{% endif %}\n'.replace('compose.builds_list', '(1..2)'));
    await using wrapped = await kitchen().engine({ settings: kitchen().settings(`pungi: { wrapper: ${wrapper} }\nraw-configs: { packages: { url: ${kitchen().repository}, config-filename: packages.conf } }\n`) });
    await wrapped.compose(1, rawRequest({ source: ['packages#main'], packages: ['hello'], kojiEvent: 7, composeType: 'production', label: 'RC-1.0' }));
    expect(json(wrapped.path(1, 'logs/global/config-dump.global.log'))).toMatchObject({ release_name: 'Kitchen', release_short: 'Wrapped', builds: [1, 2], label: 'RC-1.0', asked: 'packages#main', event: 7, packages: 'hello' });
    const harmful = wrapped.compose(2, rawRequest({ source: ['packages#main'], packages: ['hello"\nrelease_short = "Stolen'] }));
    expect(await failureOf(harmful)).toMatchObject({ code: 'invalid-request', message: expect.stringContaining('without quoting it') });
  });

  it('may lie deep in its repository, with what it names beside it', async () => {
    kitchen().commit('deep/down/fedora.conf', rawConfig('from common import *\nvariants_file = "variants.xml"\n'));
    kitchen().commit('deep/down/common.conf', 'release_version = "41"\n');
    const commit = kitchen().commit('deep/down/variants.xml', '<variants/>');
    const settings = kitchen().settings(`raw-configs: { deep: { url: ${kitchen().repository}, config-filename: deep/down/fedora.conf, commit: ${commit} }, split: { url: ${kitchen().repository}, path: deep/down, config-filename: fedora.conf } }\n`);
    await using deep = await kitchen().engine({ settings });
    const made = await deep.compose(1, rawRequest({ source: ['deep#whatever'] }));
    expect(made.pungiComposeId).toBe('Kitchen-41-20261121.n.0');
    expect(readFileSync(deep.path(1, 'pungi-stderr.log'), 'utf8')).toContain('variants: <variants/>');
    expect((await deep.compose(2, rawRequest({ source: [`split#${commit}`] }))).pungiComposeId).toBe('Kitchen-41-20261121.n.1');
  });

  it.each([
    ['is no Python', 'release_name = \n', 'cannot be read: '],
    ['makes no name', 'release_name = "Kitchen"\n', 'makes no name of a compose: release_short'],
    ['makes a harmful name', 'release_name = "K"\nrelease_short = "../../etc"\nrelease_version = "1"\n', 'must be of letters, digits'],
    ['imports what is not there', 'from nowhere import *\n', 'cannot be read: '],
  ])('that %s fails the compose for good', async (_name, text, message) => {
    kitchen().commit('broken.conf', text);
    await using broken = await kitchen().engine({ settings: kitchen().settings(`raw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: broken.conf } }\n`) });
    expect(await failureOf(broken.compose(1, rawRequest()))).toMatchObject({ code: 'source-invalid', message: expect.stringContaining(message) });
    expect(filesBelow(broken.path(1))).toEqual(logs);
    expect(existsSync(path.join(broken.settings.composes, '.staging/odcs-1'))).toBe(false);
  });

  it('that leads out of its repository is not read', async () => {
    symlinkSync(path.join(kitchen().folder, 'wrapper.conf'), path.join(kitchen().repository, 'linked.conf'));
    kitchen().commit('other.conf', '');
    await using linked = await kitchen().engine({ settings: kitchen().settings(`raw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: linked.conf } }\n`) });
    expect(await failureOf(linked.compose(1, rawRequest()))).toMatchObject({ code: 'source-invalid', message: expect.stringMatching(/linked\.conf/) });
  });

  it('may be validated first, and what that says is there for everybody', async () => {
    const override = path.join(kitchen().folder, 'override.json');
    writeFileSync(override, '{"forbidden": ["koji_event_mistyped"]}');
    kitchen().commit('validated.conf', rawConfig('koji_event_mistyped = 1\n'));
    const settings = kitchen().settings(`pungi: { config-validate: pungi-config-validate, schema-override: ${override} }\nraw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: validated.conf }, sound: { url: ${kitchen().repository}, config-filename: kitchen.conf } }\n`);
    await using validating = await kitchen().engine({ settings });
    expect(await failureOf(validating.compose(1, rawRequest()))).toMatchObject({ code: 'unresolvable', message: 'the validation of the configuration kitchen ended with exit code 1: Failed validation in koji_event_mistyped: unexpected' });
    expect(filesBelow(validating.path(1))).toEqual(['pungi-config-validate-stderr.log', 'pungi-config-validate-stdout.log', ...logs]);
    await validating.compose(2, rawRequest({ source: ['sound#main'] }));
    expect(readFileSync(validating.path(2, 'pungi-config-validate-stdout.log'), 'utf8')).toBe('valid\n');
  });

  it('may have a script run after it, which sees the whole tree and cannot fail the compose', async () => {
    const script = path.join(kitchen().folder, 'post-script');
    writeFileSync(script, '#!/bin/sh\ncat STATUS; echo trouble >&2; echo made > index.txt; exit 3\n');
    chmodSync(script, 0o755);
    await using scripted = await kitchen().engine({ settings: kitchen().settings(`raw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: kitchen.conf, post-script: ${script} } }\n`) });
    await scripted.compose(1, rawRequest());
    expect([readFileSync(scripted.path(1, 'post-script-stdout.log'), 'utf8'), readFileSync(scripted.path(1, 'post-script-stderr.log'), 'utf8'), readFileSync(scripted.path(1, 'index.txt'), 'utf8')]).toEqual(['FINISHED', 'trouble\n', 'made\n']);
    expect(readFileSync(scripted.path(1, 'pungi-stderr.log'), 'utf8')).toContain('the post-script ended with exit code 3');
    writeFileSync(script, '#!/bin/sh\nsleep 1000\n');
    await using slow = await kitchen().engine({ settings: kitchen().settings(`pungi: { post-script-timeout: 1 }\nraw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: kitchen.conf, post-script: ${script} } }\n`) });
    await slow.compose(1, rawRequest());
    expect(readFileSync(slow.path(1, 'pungi-stderr.log'), 'utf8')).toContain('the post-script did not come to its end');
  });
});

describe('a compose of Pungi that is made again', () => {
  it.each([
    ['production', 'RC-1.0', true],
    ['nightly', null, false],
  ] as const)('of type %s has the configuration of before', async (composeType, label, whole) => {
    const first = await scratch().compose(whole ? 30 : 40, rawRequest({ composeType, label }));
    const before = git(kitchen().repository, 'rev-parse', 'HEAD');
    const plan = json(path.join(scratch().settings.blobs.slice('file:'.length), 'content', first.plan.slice(0, 2), first.plan));
    expect(plan).toMatchObject({ version: 1, trees: [], pungi: { config: { name: 'kitchen', commit: before }, configDump: whole ? expect.stringContaining('"release_short": "Kitchen"') : null } });
    kitchen().commit('kitchen.conf', 'release_name = "Other"\nrelease_short = "Other"\nrelease_version = "2"\n');
    const again = await scratch().compose(whole ? 31 : 41, rawRequest({ composeType, label, pinnedPlan: first.plan, respinOf: first.pungiComposeId }));
    git(kitchen().repository, 'reset', '--quiet', '--hard', before);
    expect(again.pungiComposeId).toMatch(/^Kitchen-1\.0-20261121(\.n)?\.\d+$/);
    expect(readFileSync(scratch().path(whole ? 31 : 41, 'pungi-stderr.log'), 'utf8')).toContain(`--respin-of=${first.pungiComposeId}`);
    expect(json(scratch().path(whole ? 31 : 41, 'logs/global/config-dump.global.log'))).toEqual(json(scratch().path(whole ? 30 : 40, 'logs/global/config-dump.global.log')));
  });

  it('has the wrapper of today on the configuration of before', async () => {
    const first = await scratch().compose(32, rawRequest({ composeType: 'development' }));
    const wrapper = path.join(kitchen().folder, 'newer.conf');
    writeFileSync(wrapper, 'from raw_config import *\npkgset_koji_builds = {{ compose.builds | split: " " | literal }}\n');
    await using newer = await kitchen().engine({ settings: kitchen().settings(`pungi: { wrapper: ${wrapper} }\nraw-configs: { kitchen: { url: ${kitchen().repository}, config-filename: kitchen.conf } }\n`), change: { blobs: scratch().settings.blobs } });
    await newer.compose(33, rawRequest({ composeType: 'development', builds: ['hello-2-1', 'lid-1-1'], pinnedPlan: first.plan }));
    expect(json(newer.path(33, 'logs/global/config-dump.global.log'))).toMatchObject({ release_short: 'Kitchen', pkgset_koji_builds: ['hello-2-1', 'lid-1-1'] });
  });

  it('cannot be made when its plan is gone', async () => {
    expect(await failureOf(scratch().compose(34, rawRequest({ pinnedPlan: 'a'.repeat(64) })))).toMatchObject({ code: 'unresolvable', message: expect.stringContaining('is not kept any more') });
  });
});
