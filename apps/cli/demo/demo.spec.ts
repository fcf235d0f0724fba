import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlService, credentials, sampleReport, sessionId } from '../__fixtures__/control-service.js';
import { RecordedTerminal } from '../__fixtures__/recorded-terminal.js';
import { ControlClient } from '../control-client.js';
import { basicAuthorization } from '../service-address.js';
import { SignalRelay } from '../signal-relay.js';
import { demoBuilds, findTool, prepareBuild } from './demo-build.js';
import type { DemoBuild } from './demo-build.js';
import { demoService } from './demo-service.js';
import type { DemoService } from './demo-service.js';
import { runDemo } from './run-demo.js';

let service: ControlService;
let home: string;
let terminal: RecordedTerminal;

beforeEach(async () => {
  service = await ControlService.start();
  service.report = sampleReport('permissive', [{ name: 'left-pad', version: '1.3.0' }]);
  home = await mkdtemp(path.join(tmpdir(), 'millrace-home-'));
  terminal = new RecordedTerminal({ ...service.environment, MILLRACE_HOME: home });
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

const client = () => new ControlClient({ control: service.address, authorization: basicAuthorization(credentials), source: 'spec' });

/** A build that runs a script of ours as its tool. */
async function scriptBuild(name: string, script: string): Promise<DemoBuild> {
  const tool = path.join(home, 'bin', `${name}-tool`);
  await mkdir(path.dirname(tool), { recursive: true });
  await writeFile(tool, `#!/bin/sh\n${script}\n`);
  await chmod(tool, 0o755);
  terminal = new RecordedTerminal({ ...terminal.environment, PATH: `${path.dirname(tool)}:${process.env.PATH ?? ''}` });
  return {
    name,
    tools: [`${name}-tool`],
    parameters: ['one', 'two'],
    files: { 'in/file.txt': 'content' },
    caches: (directory) => ({ CACHE: path.join(directory, 'cache') }),
  };
}

async function demo(...builds: readonly DemoBuild[]): Promise<boolean> {
  using relay = new SignalRelay(process, { interactive: false });
  return await runDemo({ client: client(), builds, terminal, relay });
}

describe('the demo', () => {
  it('builds in one session, shows what came in, keeps the report and ends the session', async () => {
    const good = await scriptBuild(
      'good',
      `cat in/file.txt && test "$1 $2" = "one two" && test -n "$https_proxy" && case $CACHE in "$PWD"/cache) ;; *) exit 9;; esac`,
    );
    expect(await demo(good)).toBe(true);
    expect(terminal.stdout).toContain('✓ good: built in');
    expect(terminal.stdout).toMatch(/left-pad +│ 1\.3\.0/);
    expect(terminal.stdout).toContain('Session in the Temporal UI: http://127.0.0.1:8233/namespaces/default/workflows/session%3A0');
    const file = path.join(home, 'reports', `${sessionId}.json`);
    expect(terminal.stdout).toContain(`Report: ${file}`);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(service.report);
    expect(service.state).toBe('ended');
  });

  it('goes on after a build that failed, shows its last words, and says no', async () => {
    const bad = await scriptBuild('bad', 'echo the reason; exit 3');
    const good = await scriptBuild('good', 'true');
    expect(await demo(bad, good)).toBe(false);
    expect(terminal.stdout).toMatch(/✗ bad: failed after .* \(exit code 3\)\n {6}the reason\n[^]*✓ good/);
    expect(service.state).toBe('ended');
  });

  it('says which tools the machine lacks', async () => {
    const good = await scriptBuild('good', 'true');
    expect(await demo(good, { ...good, name: 'absent', tools: ['no-such-tool-here'] })).toBe(true);
    expect(terminal.stdout).toContain('– absent: not on this machine, left out');
  });

  it.each([
    ['the report is empty', () => void (service.report = sampleReport('permissive', []))],
    ['no tool is there', () => void (terminal = new RecordedTerminal({ ...terminal.environment, PATH: '/nowhere' }))],
  ])('says no when %s', async (_, arrange) => {
    const good = await scriptBuild('good', 'true');
    arrange();
    expect(await demo(good)).toBe(false);
    expect(service.state).toBe('ended');
  });

  it('stops building after a signal, and still closes the session', async () => {
    const first = await scriptBuild('first', 'touch "$MILLRACE_HOME/first-ran"; exec sleep 30');
    const second = await scriptBuild('second', 'touch "$MILLRACE_HOME/second-ran"');
    const running = demo(first, second);
    while (!existsSync(path.join(home, 'first-ran'))) await new Promise((resolve) => setImmediate(resolve));
    process.emit('SIGTERM');
    expect(await running).toBe(false);
    expect(existsSync(path.join(home, 'second-ran'))).toBe(false);
    expect(service.state).toBe('ended');
  });
});

describe('the builds of the demo', () => {
  it.each(demoBuilds.map((build) => [build.name, build] as const))('%s has caches of its own and names no registry', async (_, build) => {
    const directory = path.join(home, 'project');
    await mkdir(directory);
    const environment = await prepareBuild(build, directory, { PATH: '/bin', HOME: home });
    const changed = Object.entries(environment).filter(([name]) => !['PATH', 'HOME'].includes(name));
    const caches = [
      ...changed.map(([, value]) => value ?? ''),
      ...build.parameters.filter((parameter) => parameter.includes('repo.local')).map(() => directory),
    ];
    expect(caches.some((value) => value.startsWith(directory))).toBe(true);
    expect(JSON.stringify([changed, build.parameters])).not.toMatch(/registry|index-url|https?:/i);
    expect((await readdir(directory)).length).toBeGreaterThan(0);
  });

  it('takes the registries that cargo is configured with, though its cache is empty', async () => {
    const cargo = demoBuilds.find((build) => build.name === 'cargo');
    await mkdir(path.join(home, '.cargo'));
    await writeFile(path.join(home, '.cargo', 'config.toml'), '# mirror');
    await prepareBuild(cargo!, path.join(home, 'project'), { HOME: home });
    expect(await readFile(path.join(home, 'project', 'cache', 'config.toml'), 'utf8')).toBe('# mirror');
  });

  it('finds tools in absolute directories of PATH only', async () => {
    const build = await scriptBuild('good', 'true');
    expect(findTool(build, { PATH: `.:relative:${home}/bin` })).toBe(path.join(home, 'bin', 'good-tool'));
    expect(findTool(build, { PATH: '' })).toBeUndefined();
  });
});

describe('the service of the demo', () => {
  const lines: string[] = [];
  const onProgress = (line: string): void => void lines.push(line);
  const { signal } = new AbortController();

  /** A server that does what `npm start` does as far as the demo can see. */
  async function serverProgram(body: string): Promise<string> {
    const file = path.join(home, 'server.mjs');
    await writeFile(file, `import { writeFileSync } from 'node:fs';\nconst home = process.env.MILLRACE_HOME;\n${body}`);
    return file;
  }

  const goodServer = () =>
    serverProgram(`
      console.error('starting the parts');
      writeFileSync(home + '/pid', String(process.pid));
      writeFileSync(home + '/environment.json', JSON.stringify(process.env));
      writeFileSync(home + '/addresses.json', JSON.stringify({ control: ${JSON.stringify(service.address)} }));
      process.on('SIGTERM', () => { writeFileSync(home + '/stopped', ''); process.exit(0); });
      console.log('{}');
      setInterval(() => {}, 1000);`);
  const environment = () => ({ MILLRACE_HOME: home, MILLRACE_CONTROL_AUTH: credentials, MILLRACE_SERVER: 'http://elsewhere.test' });

  it('starts one on free ports, permissive, shows its progress, and stops it', async () => {
    const started = await demoService({ environment: environment(), onProgress, signal, program: await goodServer() });
    expect(started.started).toBe(true);
    expect(lines).toContain('starting the parts');
    expect(JSON.parse(await readFile(path.join(home, 'environment.json'), 'utf8'))).toMatchObject({
      MILLRACE_CONTROL_PORT: '0',
      MILLRACE_PROXY_PORT: '0',
      MILLRACE_CACHE_PORT: '0',
      MILLRACE_PERMISSIVE: '1',
      MILLRACE_HOME: home,
    });
    expect(await started.client.json({ method: 'GET', path: '/status' })).toMatchObject({ uptime: 12 });
    await started.stop();
    expect(existsSync(path.join(home, 'stopped'))).toBe(true);
  });

  it('uses the one that runs on the home and leaves it running', async () => {
    await writeFile(path.join(home, 'addresses.json'), JSON.stringify({ control: service.address }));
    const running: DemoService = await demoService({ environment: environment(), onProgress, signal, program: '/nowhere.mjs' });
    await running.stop();
    expect(running.started).toBe(false);
    expect(await running.client.json({ method: 'GET', path: '/status' })).toMatchObject({ uptime: 12 });
  });

  it('starts one when the addresses are left over from one that died', async () => {
    await writeFile(path.join(home, 'addresses.json'), JSON.stringify({ control: 'http://127.0.0.1:1' }));
    const started = await demoService({ environment: environment(), onProgress, signal, program: await goodServer() });
    expect(started.started).toBe(true);
    await started.stop();
  });

  it('says so when it does not come up', async () => {
    const program = await serverProgram(`console.error('no room'); process.exitCode = 70;`);
    await expect(demoService({ environment: environment(), onProgress, signal, program })).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('exit code 70'),
    });
    expect(lines).toContain('no room');
  });

  it('gives up and stops the server when it is interrupted', async () => {
    const program = await serverProgram(
      `process.on('SIGTERM', () => { writeFileSync(home + '/stopped', ''); process.exit(0); }); console.error('slow'); setInterval(() => {}, 1000);`,
    );
    const interrupted = new AbortController();
    const starting = demoService({ environment: environment(), onProgress: () => interrupted.abort(), signal: interrupted.signal, program });
    await expect(starting).rejects.toMatchObject({ code: 'start-failed', message: 'stopped before the service was up' });
    expect(existsSync(path.join(home, 'stopped'))).toBe(true);
  });
});
