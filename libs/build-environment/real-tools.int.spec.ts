import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toPkcs12 } from '../ca-formats/to-pkcs12.js';
import { openCertificateAuthority } from '../proxy/tls/certificate-authority.js';
import { createSecureContexts } from '../proxy/tls/secure-contexts.js';
import { startCredentialProxy, type CredentialProxy } from './__fixtures__/credential-proxy.js';
import { authorityBundle } from './authority-bundle.js';
import { buildEnvironment } from './build-environment.js';
import { trustStorePassword } from './tool-files.js';
import { writeEnvironmentFiles } from './write-environment-files.js';

const user = 'session1';
const password = 'Tok3nTok3nTok3nTok3n';
const host = 'registry.test';

interface ToolCase {
  readonly tool: string;
  readonly command: (scratch: string) => readonly string[];
  /** A request that only this tool makes. */
  readonly request: string;
  /** Files of the little project that the tool runs in. */
  readonly project?: Readonly<Record<string, string>>;
  readonly environment?: (scratch: string) => Readonly<Record<string, string>>;
}

const mavenUserSettings = `<settings><mirrors><mirror><id>all</id><mirrorOf>*</mirrorOf><url>https://${host}/maven</url></mirror></mirrors></settings>`;
const pom = '<project><modelVersion>4.0.0</modelVersion><groupId>x.test</groupId><artifactId>x</artifactId><version>1</version><packaging>pom</packaging></project>';

const cases: readonly ToolCase[] = [
  { tool: 'curl', command: () => ['-sS', `https://${host}/curl`], request: `https://${host}/curl` },
  { tool: 'curl', command: () => ['-sS', `http://${host}/plain`], request: `http://${host}/plain` },
  { tool: 'wget', command: () => ['-q', '--tries=1', '-O', '-', `https://${host}/wget`], request: `https://${host}/wget` },
  { tool: 'git', command: () => ['ls-remote', `https://${host}/repo.git`], request: `https://${host}/repo.git/info/refs?service=git-upload-pack` },
  {
    tool: 'pip',
    command: () => ['download', '--no-deps', '--retries', '0', '--no-cache-dir', '--index-url', `https://${host}/simple`, 'demo-package'],
    request: `https://${host}/simple/demo-package/`,
    environment: () => ({ PIP_CONFIG_FILE: '/dev/null', PIP_FIND_LINKS: '' }),
  },
  {
    tool: 'npm',
    command: () => ['view', 'demo-package', '--registry', `https://${host}/npm/`, '--fetch-retries=0'],
    request: `https://${host}/npm/demo-package`,
    environment: (scratch) => ({ npm_config_cache: path.join(scratch, 'npm') }),
  },
  {
    tool: process.execPath,
    command: () => ['-e', `fetch('https://${host}/node').then((answer) => answer.text())`],
    request: `https://${host}/node`,
  },
  {
    tool: 'cargo',
    command: () => ['fetch'],
    request: `https://${host}/cargo/config.json`,
    project: { 'Cargo.toml': '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\ndemo = { version = "1", registry = "mill" }\n', 'src/lib.rs': '' },
    environment: (scratch) => ({ CARGO_HOME: path.join(scratch, 'cargo'), CARGO_REGISTRIES_MILL_INDEX: `sparse+https://${host}/cargo/`, CARGO_NET_RETRY: '0' }),
  },
  {
    tool: 'go',
    command: () => ['list', '-m', '-versions', 'example.test/demo'],
    request: `https://${host}/go/example.test/demo/@v/list`,
    project: { 'go.mod': 'module x.test/x\n\ngo 1.20\n' },
    environment: (scratch) => ({ GOPROXY: `https://${host}/go`, GOMODCACHE: path.join(scratch, 'gomod'), GOCACHE: path.join(scratch, 'gocache'), GONOSUMDB: '*', GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' }),
  },
  {
    tool: 'mvn',
    command: (scratch) => ['-B', '-s', 'user-settings.xml', `-Dmaven.repo.local=${path.join(scratch, 'm2')}`, 'clean'],
    request: `https://${host}/maven/org/apache/maven/plugins/`,
    project: { 'pom.xml': pom, 'user-settings.xml': mavenUserSettings },
  },
  {
    tool: 'apt-get',
    command: () => ['update', '-o', 'Dir::Etc::sourcelist=./sources.list', '-o', 'Dir::Etc::sourceparts=-', '-o', 'Dir::State=./state', '-o', 'Dir::Cache=./cache', '-o', 'Acquire::Retries=0'],
    request: `https://${host}/debian/dists/stable/InRelease`,
    project: { 'sources.list': `deb [trusted=yes] https://${host}/debian stable main\n`, 'state/lists/partial/.keep': '', 'cache/archives/partial/.keep': '' },
  },
];

function installed(tool: string): boolean {
  return (path.isAbsolute(tool) ? [tool] : (process.env.PATH ?? '').split(':').map((directory) => path.join(directory, tool))).some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

let scratch: string;
let proxy: CredentialProxy;
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'millrace-environment-'));
  const authority = openCertificateAuthority({ home: scratch });
  proxy = await startCredentialProxy(createSecureContexts(authority), user, password);
  const caPemFile = path.join(scratch, 'bundle.pem');
  const caPkcs12File = path.join(scratch, 'trust.p12');
  writeFileSync(caPemFile, authorityBundle(authority.certificatePem));
  writeFileSync(caPkcs12File, toPkcs12(authority.certificatePem, trustStorePassword));
  const environment = buildEnvironment({ proxyUrl: proxy.url, caPemFile, caPkcs12File, directory: path.join(scratch, 'tools') });
  await writeEnvironmentFiles(environment.files);
  variables = environment.variables;
});
afterAll(() => {
  proxy.close();
  rmSync(scratch, { recursive: true, force: true });
});

function run(tool: string, options: readonly string[], directory: string, environment: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, options, { cwd: directory, env: { ...process.env, NODE_OPTIONS: '', ...variables, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject).on('close', () => resolve(output));
  });
}

describe('a build tool with this environment', () => {
  it('can be had here, at least curl and npm', () => {
    expect(['curl', 'npm'].filter((tool) => !installed(tool))).toEqual([]);
  });

  it.each(cases.filter((entry) => installed(entry.tool)).map((entry) => [`${path.basename(entry.tool)} (${entry.request})`, entry] as const))(
    '%s goes through the proxy with its credentials and trusts its certificates',
    async (_name, entry) => {
      const directory = mkdtempSync(path.join(scratch, 'project-'));
      for (const [name, content] of Object.entries(entry.project ?? {})) {
        mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
        writeFileSync(path.join(directory, name), content);
      }
      const output = await run(entry.tool, entry.command(directory), directory, entry.environment?.(directory) ?? {});
      expect({ output, seen: proxy.requests.some((request) => request.startsWith(entry.request)) }).toMatchObject({ seen: true });
      expect(output).not.toContain(password);
    },
    120_000,
  );
});
