import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { generateKey } from 'openpgp';
import { parse } from 'yaml';
import { parsePolicyDocument } from '../../../libs/policy/parse-policy-document.js';
import { ControlService, sampleReport, sessionId } from '../__fixtures__/control-service.js';
import { millrace } from '../__fixtures__/recorded-terminal.js';
import { detectOrigins } from './detect-origins.js';
import { originOf } from './found-origin.js';
import { thisMachine, type Machine } from './machine.js';
import { originsDocument, originsOfReport } from './origins-document.js';

interface Pretended {
  readonly commands?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A machine that has these files, and commands that answer so. */
function machineOf({ commands = {}, files = {}, environment = {} }: Pretended): Machine {
  return {
    environment,
    home: '/home/b',
    directory: '/home/b/project',
    run: async (command, parameters) => commands[[command, ...parameters].join(' ')],
    read: async (file) => files[file],
    readBytes: async (file) => (files[file] === undefined ? undefined : Buffer.from(files[file], 'latin1')),
    list: async (folder) => [...new Set(Object.keys(files).filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1).split('/')[0] as string))].sort(),
  };
}

const everything = ['npm', 'pip', 'cargo', 'go', 'apt', 'deb', 'maven', 'gradle', 'rpm', 'gem', 'composer', 'nuget', 'oci'];
const detect = async (pretended: Pretended) => originsDocument(await detectOrigins(machineOf(pretended)), everything);
const originsFrom = async (pretended: Pretended): Promise<unknown> => (parse((await detect(pretended)).text) as { readonly origins: unknown }).origins;

describe('originOf', () => {
  it.each([
    ['https://user:secret@registry.example/path?token=1', 'https://registry.example/'],
    ['sparse+https://index.example/', 'https://index.example/'],
    ['HTTP://Registry.Example:8080/x', 'http://registry.example:8080/'],
    ['registry.example', undefined],
    ['file:///x', undefined],
    [7, undefined],
  ])('%s', (text, origin) => expect(originOf(text)).toBe(origin));
});

describe('the origins of a machine', () => {
  it.each<[string, Pretended, unknown]>([
    ['npm by its own word', { commands: { 'npm config list --json': '{"registry":"https://n.example/","@s:registry":"https://s.example/x","//n.example/:_authToken":"secret"}' } }, { npm: ['https://n.example/', 'https://s.example/'] }],
    ['npm and Yarn by their files', { files: { '/home/b/.npmrc': '@a:registry=https://u:secret@a.example/npm\n', '/home/b/project/.yarnrc.yml': 'npmRegistryServer: https://y.example\nnpmScopes: {s: {npmRegistryServer: "https://z.example"}}\n' } }, { npm: ['https://a.example/', 'https://y.example/', 'https://z.example/'] }],
    ['Yarn by its own word', { commands: { 'yarn config get registry': 'https://y.example\n' } }, { npm: ['https://y.example/'] }],
    ['pip by its help and its configuration', { commands: { 'pip install --help': '  -i, --index-url <url>  Base URL of the Index (default\n      https://p.example/simple). This', 'pip config list': "global.extra-index-url='https://u:secret@q.example/simple https://r.example'\nglobal.cert='/x'\n" } }, { pip: ['https://p.example/', 'https://q.example/', 'https://r.example/'] }],
    ['pip and uv by files and variables', { files: { '/etc/pip.conf': '[global]\nindex-url =\n   https://p.example/simple\n', '/home/b/project/pyproject.toml': '[[tool.uv.index]]\nname = "x"\nurl = "https://u.example/simple"\n[project]\nurls = {Home = "https://no.example"}\n' }, environment: { UV_INDEX: 'x=https://v.example/simple' } }, { pip: ['https://p.example/', 'https://v.example/', 'https://u.example/'] }],
    ['cargo', { files: { '/home/b/.cargo/config.toml': '[registries.x]\nindex = "sparse+https://c.example/index/"\n[source.y]\nregistry = "https://d.example/git"\n', '/home/b/.cargo/registry/index/e.example-0123456789abcdef/x': '' }, environment: { CARGO_REGISTRIES_Z_INDEX: 'https://z.example/' } }, { cargo: ['https://c.example/', 'https://d.example/', 'https://z.example/', 'https://e.example/'] }],
    ['Go', { commands: { 'go env -json GOPROXY GOSUMDB': '{"GOPROXY":"https://g.example|https://h.example,direct","GOSUMDB":"sum.example+abc+def"}' } }, { go: ['https://g.example/', 'https://h.example/', 'https://sum.example/'] }],
    ['Go without a checksum database', { commands: { 'go env -json GOPROXY GOSUMDB': '{"GOPROXY":"off","GOSUMDB":"off"}' } }, {}],
    ['RubyGems and Composer', { commands: { 'gem sources --list': '*** CURRENT SOURCES ***\n\nhttps://r.example/\n', 'composer config --global --list --no-interaction': '[repositories.p.url] https://c.example (default)\n[home] https://no.example\n' } }, { gem: ['https://r.example/'], composer: ['https://c.example/'] }],
    ['Maven and Gradle', { commands: { 'mvn --version': 'Apache Maven 3\nMaven home: /opt/mvn\n', 'unzip -p /opt/mvn/lib/maven-model-builder-3.jar org/apache/maven/model/pom-4.0.0.xml': '<url>https://b.example/m2</url>' }, files: { '/opt/mvn/lib/maven-model-builder-3.jar': '', '/opt/mvn/conf/settings.xml': '<mirrors><mirror><url>https://c.example/</url></mirror><mirror><url>http://no.example/</url><blocked>true</blocked></mirror></mirrors>', '/home/b/.m2/settings.xml': '<settings xmlns="http://no.example/1"><mirror><url> https://m.example/x </url></mirror><!-- <url>https://no.example</url> --></settings>', '/home/b/.gradle/init.d/a.gradle': "maven { url 'https://g.example/m2' }\n// url 'https://no.example'\n", '/home/b/project/gradle/wrapper/gradle-wrapper.properties': 'distributionUrl=https\\://d.example/gradle.zip\n' } }, { maven: ['https://m.example/', 'https://c.example/', 'https://b.example/', 'https://g.example/'], gradle: ['https://m.example/', 'https://c.example/', 'https://b.example/', 'https://g.example/', 'https://d.example/'] }],
    ['dnf', { files: { '/etc/yum.repos.d/a.repo': '[a]\nbaseurl=https://a.example/$releasever\n       https://b.example/\ngpgkey=https://no.example\n[b]\nenabled=0\nbaseurl=https://no.example\n' } }, { rpm: ['https://a.example/', 'https://b.example/'] }],
    ['NuGet', { files: { '/home/b/.nuget/NuGet/NuGet.Config': '<configuration><packageSources><add key="a" value="https://n.example/v3/index.json"/></packageSources><x>https://no.example</x></configuration>' } }, { nuget: ['https://n.example/'] }],
    ['containers', { files: { '/etc/containers/registries.conf': 'unqualified-search-registries = ["o.example"]\n[[registry]]\nlocation = "p.example/x"\n[[registry.mirror]]\nlocation = "q.example"\n', '/etc/docker/daemon.json': '{"registry-mirrors":["https://r.example"]}' } }, { oci: ['https://o.example/', 'https://p.example/', 'https://q.example/', 'https://r.example/'] }],
    ['nothing that can be read', { commands: { 'npm config list --json': '[', 'go env -json GOPROXY GOSUMDB': 'x' }, files: { '/home/b/.cargo/config.toml': '[[', '/home/b/project/.yarnrc.yml': '{', '/etc/docker/daemon.json': '{' } }, {}],
  ])('of %s', async (_what, pretended, origins) => {
    const document = await detect(pretended);
    expect(await originsFrom(pretended)).toEqual(origins);
    expect(JSON.stringify(document)).not.toMatch(/secret|no\.example/);
    parsePolicyDocument(document.text, { file: 'detected', ecosystems: everything });
  });

  it('of apt come with the keys that they must be signed by', async () => {
    const { publicKey } = await generateKey({ userIDs: [{ name: 'archive' }], format: 'object' });
    const fingerprint = `openpgp:${publicKey.getFingerprint().toUpperCase()}`;
    const files = {
      '/etc/apt/sources.list': 'deb [arch=amd64 signed-by=/k.asc] https://one.example/debian stable main\n# deb https://no.example x y\n',
      '/etc/apt/sources.list.d/two.sources': 'Types: deb\n# a remark\nURIs: https://two.example/debian\n  https://three.example/debian\nSuites: stable\nSigned-By: /k.bin\n\nEnabled: no\nURIs: https://no.example/\n',
      '/etc/apt/sources.list.d/old.list.save': 'deb https://no.example x y\n',
      '/k.asc': publicKey.armor(),
      '/k.bin': Buffer.from(publicKey.write()).toString('latin1'),
    };
    const document = await detect({ files });
    const keys = [fingerprint];
    const hosts = ['one.example', 'two.example', 'three.example'];
    expect(parse(document.text)).toEqual({
      version: 1,
      origins: { apt: hosts.map((name) => `https://${name}/`), deb: hosts.map((name) => `https://${name}/`) },
      signatures: { required: expect.arrayContaining(hosts.flatMap((host) => ['apt', 'deb'].map((ecosystem) => ({ ecosystem, host, keys })))) },
    });
    expect(document.text).not.toContain('no.example');
  });

  it('leave out what no inspector is for, and say so', async () => {
    const found = await detectOrigins(machineOf({ commands: { 'gem sources --list': 'https://r.example/' } }));
    const document = originsDocument(found, ['npm']);
    expect([parse(document.text), document.leftOut]).toEqual([{ version: 1, origins: {} }, ['gem']]);
    expect(document.text).toContain('# Left out, because no inspector is for them: gem.');
  });
});

describe('the origins of a session', () => {
  it('are those of its approved artefacts', () => {
    const artefact = (id: string, opinion: string) => ({ 'response-inspection': { [id]: { opinion, reason: '' } }, downloads: [{ url: `https://${opinion.toLowerCase()}.example:443/x` }] });
    expect(originsOfReport({ artifacts: [artefact('pip.wheel', 'Approved'), artefact('npm.tarball', 'Rejected'), artefact('policy', 'Approved'), {}] })).toEqual([{ ecosystems: ['pip'], origin: 'https://approved.example/', from: 'session' }]);
    expect(originsOfReport(null)).toEqual([]);
  });
});

describe('this machine', () => {
  it('answers nothing for what is not there, fails, or is too large', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millrace-machine-'));
    try {
      writeFileSync(path.join(folder, 'large'), Buffer.alloc(1024 * 1024 + 1));
      const machine = thisMachine({ PATH: process.env['PATH'], HOME: folder }, folder);
      expect([await machine.read(path.join(folder, 'none')), await machine.read(path.join(folder, 'large')), await machine.list(path.join(folder, 'none'))]).toEqual([undefined, undefined, []]);
      expect([await machine.run('millrace-no-such-command', []), await machine.run(process.execPath, ['-e', 'process.exit(1)'])]).toEqual([undefined, undefined]);
      expect(await machine.run(process.execPath, ['-p', '1'])).toBe('1\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('millrace origins detect', () => {
  it('writes a valid document once, with what a session added', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'millrace-origins-'));
    await using service = await ControlService.start();
    try {
      service.report = { ...sampleReport('permissive', []), artifacts: [{ 'response-inspection': { 'cargo.crate': { opinion: 'Approved', reason: '' } }, downloads: [{ url: 'https://static.example:443/x' }] }] };
      const environment = { ...service.environment, HOME: folder, npm_config_registry: 'https://u:secret@n.example/' };
      const output = path.join(folder, 'policy.yaml');
      expect(await millrace(environment, 'origins', 'detect', '--session', sessionId, '--output', output)).toMatchObject({ exitCode: 0, stdout: `Policy document: ${output}\n` });
      const text = readFileSync(output, 'utf8');
      expect((parse(text) as { readonly origins: object }).origins).toMatchObject({ npm: expect.arrayContaining(['https://n.example/']), cargo: expect.arrayContaining(['https://static.example/']) });
      expect(text).not.toContain('secret');
      expect(await millrace(environment, 'origins', 'detect', '--output', output)).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('it is there already') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
