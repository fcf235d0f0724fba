import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openModuleScene, type ModuleScene } from '../../libs/compose-engine/__fixtures__/module-scene.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startFakePulp3, type FakePulp3 } from '../../libs/testing/fake-pulp-3.js';
import { installFakePungi } from '../../libs/testing/fake-pungi/install-fake-pungi.js';
import { git, startGitServer, type GitServer } from '../../libs/testing/start-git-server.js';
import { kerberosModule } from '../../libs/testing/kerberos-module.js';
import { startKdc, testRealm, type TestKdc } from '../../libs/testing/start-kdc.js';
import { openidCommandLine, openidResource, startOpenidProvider, type TestOpenidProvider } from '../../libs/testing/start-openid-provider.js';
import { writeTestCertificates, type TestCertificates } from '../../libs/testing/test-certificates.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';
import { odcsLoginPython } from './odcs-client-python.js';

const run = promisify(execFile);
const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-access-'));

let python: string;
let kdc: TestKdc;
let provider: TestOpenidProvider;
let certificates: TestCertificates;
let scene: ModuleScene;
let pulp: FakePulp3;
let configurations: GitServer;
/** Of a service with everything that composes are made of. */
let settings: Readonly<Record<string, string>>;
let service: ComposeService;
/** By an address: with the name localhost, ODCS's command line logs in nowhere. */
let url: string;

const anything = '{source_types: [""]}';
const accessFile = (module: string): string => `
authentication:
  openid-connect: {issuer: "${provider.issuer}", keys: false, introspection: {client-id: ${openidResource.id}, client-secret: {file: ${path.join(folder, 'secret')}}}}
  kerberos: {keytab-file: ${kdc.keytab}, realm: ${testRealm}, configuration-file: ${kdc.configuration}, module-file: ${module}}
  tls: {certificate-file: ${certificates.server.certificate}, key-file: ${certificates.server.key}, client-certificates: optional, client-authorities-file: ${certificates.authority}}
  certificate-name: common-name
authorization:
  composes:
    allowed_clients:
      users: {${openidCommandLine.id}: ${anything}, bob: ${anything}, builder: ${anything}, carol: {source_types: [tag]}}
    admins: {users: [bob]}
  quotas: {users: {carol: {composes: 0}}}
`;

/** One configuration of Pungi, in git over HTTP. */
async function startConfigurations(): Promise<GitServer> {
  const repository = path.join(folder, 'git/configurations');
  mkdirSync(repository, { recursive: true });
  buildPackages(path.join(folder, 'rpms'), [{ name: 'hello', arch: 'noarch' }]);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(path.join(repository, 'kitchen.conf'), `release_name = "Kitchen"\nrelease_short = "Kitchen"\nrelease_version = "1.0"\nfake_packages = {"Server": {"x86_64": ["${folder}/rpms/hello-1.0-1.noarch.rpm"]}}\n`);
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--message', 'kitchen');
  const server = await startGitServer(path.join(folder, 'git'));
  writeFileSync(path.join(folder, 'wrapper.conf'), 'from raw_config import *\n');
  writeFileSync(path.join(folder, 'pungi.yaml'), `pungi: { wrapper: ${folder}/wrapper.conf }\nraw-configs:\n  kitchen: { url: ${server.url}/configurations/.git, config-filename: kitchen.conf }\n`);
  return server;
}

describeWith('krb5kdc', 'ODCS’s own clients, on a service where one has to log in', () => {
  beforeAll(async () => {
    for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
    certificates = writeTestCertificates(folder, 'builder');
    writeFileSync(path.join(folder, 'secret'), openidResource.secret);
    let module: string;
    [python, module, kdc, provider, scene, pulp] = await Promise.all([odcsLoginPython(), kerberosModule(), startKdc({ users: ['bob', 'carol', 'eve'], services: ['HTTP/127.0.0.1'] }), startOpenidProvider(), openModuleScene(), startFakePulp3({ directory: folder, login: 'admin:sesame' })]);
    const kettle = await scene.build({ name: 'kettle', arch: 'noarch' });
    scene.hub.addTag('updates');
    scene.hub.tag('updates', kettle);
    scene.module({ name: 'mill', stream: '1', version: '1', context: 'm1', builds: [kettle], artifacts: { x86_64: ['kettle-0:1.0-1.noarch', 'kettle-0:1.0-1.src'] } });
    pulp.addRepository('base', { labels: { content_set: 'base-rpms' } });
    pulp.addDistribution('base', { basePath: 'dist/base/x86_64/os', labels: { content_set: 'base-rpms' }, repository: 'base' });
    writeFileSync(path.join(folder, 'pulp-password'), 'sesame');
    writeFileSync(path.join(folder, 'pulp.yaml'), `version: 3\nurl: ${pulp.url}\nusername: admin\npassword: { file: ${path.join(folder, 'pulp-password')} }\n`);
    configurations = await startConfigurations();
    settings = {
      PATH: installFakePungi(path.join(folder, 'bin')),
      MILLRACE_KOJI_HUB: scene.hub.url,
      MILLRACE_KOJI_TOPURL: scene.hub.topUrl,
      MILLRACE_MBS_URL: scene.mbs.url,
      MILLRACE_PULP: path.join(folder, 'pulp.yaml'),
      MILLRACE_PUNGI: path.join(folder, 'pungi.yaml'),
      MILLRACE_COMPOSE_ALLOW_DESTINATIONS: '127.0.0.1/32',
    };
    writeFileSync(path.join(folder, 'access.yaml'), accessFile(module));
    service = await startComposeService({ ...settings, MILLRACE_ACCESS: path.join(folder, 'access.yaml') });
    url = service.url.replace('//localhost:', '//127.0.0.1:');
  }, 600_000);
  afterAll(async () => {
    await service.stop();
    await scene[Symbol.asyncDispose]();
    await pulp[Symbol.asyncDispose]();
    await configurations[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    await kdc.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A home of each mechanism's own, because the command keeps tokens there. */
  function homeFor(mechanism: string): string {
    const home = path.join(folder, `home-${mechanism}`);
    for (const name of ['.config', '.cache']) mkdirSync(path.join(home, name), { recursive: true });
    writeFileSync(path.join(home, '.config/odcs.toml'), `[redhat.prod]\nurl = "http://nowhere.test"\nid_provider = "${provider.issuer}/"\n`);
    return home;
  }

  const plain = (mechanism = 'kerberos'): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: homeFor(mechanism), REQUESTS_CA_BUNDLE: certificates.authority, OTEL_SDK_DISABLED: 'true', NO_OIDC_AUTHZ_CODE: '1' });
  const logins: Readonly<Record<string, () => Promise<NodeJS.ProcessEnv>>> = {
    'OpenID Connect': () => Promise.resolve({ ...plain('openid'), OIDC_CLIENT_ID: openidCommandLine.id, OIDC_CLIENT_SECRET: openidCommandLine.secret }),
    'Kerberos': async () => ({ ...plain(), ...(await kdc.environmentOf('bob')) }),
  };
  const owners: Readonly<Record<string, string>> = { 'OpenID Connect': openidCommandLine.id, 'Kerberos': 'bob' };

  /** Its exit code, and the JSON that it prints at last, or what it says. */
  const odcs = (environment: NodeJS.ProcessEnv, ...args: readonly string[]): ReturnType<typeof odcsAt> => odcsAt(url, environment, ...args);

  async function odcsAt(server: string, environment: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<{ readonly code: number; readonly text: string; readonly json: Readonly<Record<string, unknown>> }> {
    const { code, text } = await run(python, ['-c', 'import sys; from odcs.client.cli import main; sys.argv[0] = "odcs"; main()', '--server', `${server}/`, '-q', ...args], { env: environment }).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      ({ code = 1, stdout = '', stderr = '' }: { code?: number; stdout?: string; stderr?: string }) => ({ code, text: `${stdout}${stderr}` }),
    );
    return { code, text, json: text.includes('{') && code === 0 ? (JSON.parse(text.slice(text.indexOf('{'))) as Record<string, unknown>) : {} };
  }

  /** Every command that creates, and what its compose says. */
  const commands: readonly (readonly [command: readonly string[], says: string])[] = [
    [['create-tag', 'updates', 'kettle'], '"source": "updates"'],
    [['create-build', 'kettle-1.0-1'], '"builds": "kettle-1.0-1"'],
    [['create', 'tag', 'updates'], '"source": "updates"'],
    [['create-module', 'mill:1'], '"source": "mill:1"'],
    [['create-pulp', 'base-rpms'], '"source": "base-rpms"'],
    [['create-raw-config', 'kitchen', 'main'], '"source": "kitchen#main"'],
  ];

  describe.each(['OpenID Connect', 'Kerberos'])('by %s', (mechanism) => {
    it('are who they are, in every command that creates', async () => {
      const environment = await (logins[mechanism] as () => Promise<NodeJS.ProcessEnv>)();
      for (const [command, says] of commands) {
        const made = await odcs(environment, '--no-wait', ...command);
        expect({ command, code: made.code, text: made.text, owner: made.json['owner'] }).toEqual({ command, code: 0, text: expect.stringContaining(says), owner: owners[mechanism] });
      }
    }, 120_000);

    it('make, renew and delete a compose', async () => {
      const environment = await (logins[mechanism] as () => Promise<NodeJS.ProcessEnv>)();
      const { json } = await odcs(environment, 'create-tag', 'updates', 'kettle');
      expect(json).toMatchObject({ state_name: 'done', owner: owners[mechanism] });
      const id = String(json['id']);
      expect((await odcs(environment, 'renew', id)).json).toMatchObject({ id: json['id'] });
      expect((await odcs(environment, 'delete', id)).json).toMatchObject({ status: 202 });
    }, 120_000);
  });

  it('by a client certificate are who it names, with the library', async () => {
    const script = `
import json, sys
from odcs.client.odcs import ODCS, AuthMech, ComposeSourceTag, ComposeSourceBuild, ComposeSourceModule, ComposeSourcePulp, ComposeSourceRawConfig
import requests
server, cert, key = sys.argv[1:]
odcs = ODCS(server, auth_mech=AuthMech.SSL, ssl_cert=cert, ssl_key=key)
seen = {}
for name, source in {"tag": ComposeSourceTag("updates"), "build": ComposeSourceBuild(["kettle-1.0-1"]), "module": ComposeSourceModule(["mill:1"]), "pulp": ComposeSourcePulp(["base-rpms"]), "raw_config": ComposeSourceRawConfig("kitchen", "main")}.items():
    try:
        seen[name] = odcs.request_compose(source)["owner"]
    except requests.HTTPError as error:
        seen[name] = error.response.json()
print("SEEN" + json.dumps(seen))
`;
    const { stdout } = await run(python, ['-c', script, `${url}/`, certificates.client.certificate, certificates.client.key], { env: plain() });
    expect(JSON.parse(stdout.slice(stdout.indexOf('SEEN') + 4))).toEqual({ tag: 'builder', build: 'builder', module: 'builder', pulp: 'builder', raw_config: 'builder' });
  }, 60_000);

  it('are nobody on a service that asks nobody who they are, in every command, and each compose is made', async () => {
    const open = await startComposeService(settings);
    try {
      for (const [command, says] of commands) {
        const made = await odcsAt(open.url, plain('none'), ...command);
        expect({ command, code: made.code, text: made.text, owner: made.json['owner'], state: made.json['state_name'] }).toEqual({ command, code: 0, text: expect.stringContaining(command[0] === 'create-module' ? '"source": "mill:1:1:m1"' : says), owner: 'unknown', state: 'done' });
      }
    } finally {
      await open.stop();
    }
  }, 180_000);

  it('are told why they may not, and the service knows nobody who shows nothing', async () => {
    const carol = { ...plain(), ...(await kdc.environmentOf('carol')) };
    const eve = { ...plain(), ...(await kdc.environmentOf('eve')) };
    expect(await odcs(carol, '--no-wait', 'create-module', 'nodejs:18')).toMatchObject({ code: 255, text: expect.stringContaining('User carol not allowed to operate with compose with source_types=module.') });
    expect(await odcs(carol, '--no-wait', 'create-tag', 'updates')).toMatchObject({ code: 255, text: expect.stringMatching(/"status":\s*429.*carol has 0 composes that wait or are being generated, and may have 0 at once/s) });
    expect(await odcs(eve, '--no-wait', 'create-tag', 'updates')).toMatchObject({ code: 255, text: expect.stringContaining('User eve is not in role allowed_clients.') });
    const nobody = await odcs({ ...plain(), KRB5CCNAME: `FILE:${folder}/none`, KRB5_CONFIG: kdc.configuration }, '--no-wait', 'create-tag', 'updates');
    expect(nobody.code).not.toBe(0);
    // Reading needs no login, as ever.
    expect((await odcs({ ...plain(), KRB5CCNAME: `FILE:${folder}/none`, KRB5_CONFIG: kdc.configuration }, 'about')).json).toMatchObject({ auth_backend: 'oidc_or_kerberos', allowed_clients: {} });
  }, 120_000);

  it('may not delete what is others’', async () => {
    const openid = await (logins['OpenID Connect'] as () => Promise<NodeJS.ProcessEnv>)();
    const kerberos = await (logins['Kerberos'] as () => Promise<NodeJS.ProcessEnv>)();
    const { json } = await odcs(kerberos, 'create-tag', 'updates', 'kettle', '--flag', 'no_reuse');
    expect(await odcs(openid, 'delete', String(json['id']))).toMatchObject({ code: 255, text: expect.stringContaining(`User ${openidCommandLine.id} is not in role admins.`) });
    const others = (await odcs(openid, 'create-tag', 'updates', 'kettle')).json;
    // bob is an admin.
    expect((await odcs(kerberos, 'delete', String(others['id']))).json).toMatchObject({ status: 202 });
  }, 120_000);
});
