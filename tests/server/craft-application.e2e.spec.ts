import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { craftApplicationPython } from './craft-application.js';
import { alive, runProgram } from './run-program.js';

const driver = path.join(projectRoot(), 'tests/server/__fixtures__/craft_application_client.py');
const executable = path.join(projectRoot(), 'bin/fetch-service');

interface Manifest {
  readonly dependencies: readonly { readonly 'component-name': string; readonly 'component-version': string; readonly size: number; readonly url: readonly string[] }[];
  readonly rejections: readonly (readonly string[])[];
}

interface SessionRun {
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly permissive: { readonly session: string; readonly token: string; readonly report: unknown; readonly manifest: Manifest } & Record<string, unknown>;
  readonly strict: { readonly manifest: Manifest } & Record<string, unknown>;
  readonly log: string;
}

let folder: string;
let python: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'craft-application-'));
  python = await craftApplicationPython();
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('craft-application 7.5.0, with its own ports and its two paths set to ours', () => {
  it('starts the service, downloads in a session, revokes, reads the report, ends the session and stops the service', async () => {
    const run = (await drive('session')) as SessionRun;
    expect(run).toMatchObject({
      certificate: '-----BEGIN CERTIFICATE-----',
      key: expect.stringMatching(/^-----BEGIN (RSA )?PRIVATE KEY-----$/),
      addresses: { '127.0.0.1': true },
      'second start': null, // it found the running one
      'active sessions': 0,
      output: '',
      'exit code': 143, // by itself: the client sends SIGKILL after a second
    });
    expect(Object.values((run as unknown as { addresses: object }).addresses)).not.toContain(false);
    expect(run.permissive).toMatchObject({ active: [run.permissive.session], pip: { 'exit code': 0 }, files: [expect.stringMatching(/^idna-3\.10.*\.whl$/)], gone: expect.stringContaining('404') });
    expect(run.permissive.report).toMatchObject({ policy: 'permissive', 'session-id': run.permissive.session, 'end-time': expect.any(String) });
    const wheel = run.permissive.manifest.dependencies.find(({ url }) => url.some((each) => each.endsWith('.whl')));
    expect(wheel).toMatchObject({ 'component-name': 'idna', 'component-version': '3.10', type: 'application/x.python.wheel', size: expect.any(Number) });
    expect(run.strict).toMatchObject({ 'own port': 403, 'report while active': expect.stringContaining('400'), 'after revoking': 407, report: { policy: 'strict', artifacts: [] } });
    expect(JSON.stringify(run.strict)).not.toContain('not-in-the-report');
    expect(run.log).not.toContain(run.permissive.token);
    expect(run.log).toMatch(/create permissive session[^]*discarding session/);
    expect(run.processes.length).toBeGreaterThanOrEqual(5);
    expect(alive(run.processes)).toEqual([]);
  }, 300_000);

  it('tells its user that the ports are taken (its half second of waiting prolonged, for busy machines)', async () => {
    expect(await drive('ports-taken')).toEqual({ error: 'fetch-service ports 13444 and 13555 are already in use.' });
  }, 120_000);
});

async function drive(scenario: string): Promise<unknown> {
  const base = path.join(folder, scenario);
  mkdirSync(base);
  const client = runProgram(python, [driver, base, executable, scenario], { environment: process.env, cwd: '/' });
  const code = await client.ended;
  const { stdout, stderr } = client.output();
  if (code !== 0) throw new Error(`the client ended with ${code}: ${stderr}\n${stdout}\n${logOf(base)}`);
  return JSON.parse(stdout);
}

function logOf(base: string): string {
  try {
    return readFileSync(path.join(base, 'craft-logs/fetch-service.log'), 'utf8');
  } catch {
    return 'no log';
  }
}
