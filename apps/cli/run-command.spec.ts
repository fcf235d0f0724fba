import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ControlService, sampleDownload, sampleReport, sessionId, token } from './__fixtures__/control-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

const node = process.execPath;
const close = [`POST /v1/sessions/${sessionId}/revoke`, `GET /v1/sessions/${sessionId}/report`, `GET /v1/sessions/${sessionId}/downloads?limit=500`];
const end = `DELETE /v1/sessions/${sessionId}`;

let service: ControlService;
let directory: string;

beforeEach(async () => {
  service = await ControlService.start();
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-cli-'));
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const run = (...parameters: readonly string[]) => millrace(service.environment, 'run', ...parameters);
/** A Node program that writes what it sees to a file: the command's own streams are the ones of this process. */
const program = (text: string): [string, string, string, string] => [node, '-e', text, path.join(directory, 'seen.json')];
const writeEnvironment = `require('fs').writeFileSync(process.argv[1], JSON.stringify(process.env))`;

async function seen(): Promise<Record<string, string>> {
  return JSON.parse(await readFile(path.join(directory, 'seen.json'), 'utf8')) as Record<string, string>;
}

describe('millrace run', () => {
  it('opens, runs with the environment of the session, revokes, reads and ends', async () => {
    const { exitCode } = await run('--policy', 'permissive', '--timeout', '60', '--', ...program(writeEnvironment));
    expect(exitCode).toBe(0);
    expect((await seen()).https_proxy).toContain(`http://${sessionId}:${token}@127.0.0.1:9988`);
    expect(service.lines).toEqual(['POST /v1/sessions', 'GET /v1/ca.pem', ...close, end]);
    expect(service.seen[0]?.body).toEqual({ policy: 'permissive', timeout: 60 });
  });

  it('keeps the files with the credentials private while the command runs and removes them afterwards', async () => {
    const look = `const fs = require('fs'); const file = process.env.SSL_CERT_FILE; fs.writeFileSync(process.argv[1], JSON.stringify({ file, mode: String(fs.statSync(require('path').dirname(file)).mode & 0o777) }))`;
    await run('--', ...program(look));
    const { file, mode } = await seen();
    expect(mode).toBe(String(0o700));
    expect(existsSync(file ?? '')).toBe(false);
    expect(existsSync(path.dirname(file ?? ''))).toBe(false);
  });

  it('does not hand its own credentials for the control API to the command', async () => {
    await run('--', ...program(writeEnvironment));
    expect(Object.values(await seen())).not.toContain('tester:secret');
  });

  it('is strict unless told otherwise', async () => {
    await run('--', node, '-e', '');
    expect(service.seen[0]?.body).toEqual({ policy: 'strict' });
  });

  it('passes the exit code through and closes the session all the same', async () => {
    const { exitCode } = await run('--', node, '-e', 'process.exit(42)');
    expect(exitCode).toBe(42);
    expect(service.state).toBe('ended');
  });

  it('answers 128 + n when a signal ended the command', async () => {
    const { exitCode } = await run('--', node, '-e', `process.kill(process.pid, 'SIGKILL')`);
    expect(exitCode).toBe(137);
  });

  it.each([
    ['is not there', 127, () => Promise.resolve('/nowhere/at-all')],
    [
      'is not executable',
      126,
      async () => {
        const file = path.join(directory, 'plain.txt');
        await writeFile(file, 'no program');
        return file;
      },
    ],
  ] as const)('answers as a shell does when the command %s', async (_, expected, command) => {
    const { exitCode, stderr } = await run('--', await command());
    expect(exitCode).toBe(expected);
    expect(stderr).toMatch(/^millrace: .*(not found|cannot be run)/);
    expect(service.state).toBe('ended');
  });

  it('hands the arguments after -- on untouched, options of its own name too', async () => {
    await run(
      '--',
      node,
      '-e',
      `require('fs').writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)))`,
      path.join(directory, 'seen.json'),
      '--',
      '--json',
      '--policy',
      'x y',
    );
    expect(await seen()).toEqual(['--', '--json', '--policy', 'x y']);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('forwards %s, then revokes and ends', async (signal) => {
    const ready = path.join(directory, 'ready');
    const child = `process.on('${signal}', () => process.exit(7)); require('fs').writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000)`;
    const running = run('--', node, '-e', child);
    await until(() => existsSync(ready));
    process.emit(signal);
    expect((await running).exitCode).toBe(7);
    expect(service.lines).toEqual(expect.arrayContaining([...close, end]));
    expect(process.listenerCount(signal)).toBe(0);
  });

  it('does not start the command when a signal came while the session was being opened', async () => {
    service.onRequest = (line) => void (line === 'POST /v1/sessions' && process.emit('SIGINT'));
    const { exitCode } = await run('--', ...program(writeEnvironment));
    expect(exitCode).toBe(130);
    expect(existsSync(path.join(directory, 'seen.json'))).toBe(false);
    expect(service.state).toBe('ended');
  });

  it('ends the session when its environment cannot be made', async () => {
    service.problem('GET /v1/ca.pem', { status: 503, code: 'database-unavailable', detail: 'the record cannot be reached' });
    const { exitCode, stderr } = await run('--', ...program(writeEnvironment));
    expect(exitCode).toBe(69);
    expect(stderr).toContain('the record cannot be reached');
    expect(service.state).toBe('ended');
  });

  it('prints what came in, what strict would refuse and what failed to standard error, and nothing to standard output', async () => {
    service.report = sampleReport('permissive', [
      { name: 'second', version: '2.0.0', start: '2026-03-20T10:00:02Z', result: 'Rejected' },
      { name: 'first', version: '1.0.0', start: '2026-03-20T10:00:01Z' },
    ]);
    service.downloads = [sampleDownload(1, 'downloaded'), sampleDownload(2, 'refused'), sampleDownload(3, 'failed')];
    const { stdout, stderr } = await run('--policy', 'permissive', '--', node, '-e', '');
    expect(stdout).toBe('');
    expect(stderr).toMatch(/first +│ 1\.0\.0 +│ application\/x\.npm\.tarball +│ +1\.5 KiB +│ abababababab +│ Approved[^]*second/);
    expect(stderr).toContain('Violations (strict would refuse these): 1');
    expect(stderr).toContain('npm: its digest is not the declared one');
    expect(stderr).toMatch(/Refused requests: 1\n {2}GET http:\/\/registry\.test\/2\n {4}refused for a reason/);
    expect(stderr).toMatch(/Failed requests: 1\n {2}GET http:\/\/registry\.test\/3\n {4}failed for a reason/);
    expect(stderr).toContain('2 artefacts in 2 downloads, 3.0 KiB; 0 other answers; 1 not approved, 1 refused, 1 failed (policy permissive).');
  });

  it('writes the report to a file as the service answered it', async () => {
    service.report = sampleReport('strict', [{ name: 'first' }]);
    const file = path.join(directory, 'report.json');
    await run('--report', file, '--', node, '-e', '');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(service.report);
    expect((await stat(file)).isFile()).toBe(true);
  });

  it('prints one line of JSON of a stable shape', async () => {
    service.report = sampleReport('permissive', [{ name: '', url: 'https://registry.test:443/thing', result: 'Rejected', status: 404 }]);
    service.downloads = [sampleDownload(2, 'refused')];
    const { stdout, stderr } = await run('--json', '--', node, '-e', 'process.exit(3)');
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toEqual({
      session: sessionId,
      policy: 'permissive',
      exitCode: 3,
      signal: null,
      report: null,
      artefacts: [
        {
          name: 'thing',
          version: '',
          type: 'application/x.npm.tarball',
          size: 1536,
          sha256: 'ab'.repeat(32),
          verdict: 'Rejected',
          downloads: 1,
          url: 'https://registry.test:443/thing',
          status: 404,
          reasons: ['npm: its digest is not the declared one'],
        },
      ],
      violations: 1,
      refused: service.downloads,
      failed: [],
    });
  });

  it.each([
    ['--keep', { policy: 'strict' }, 'revoked'],
    ['--retain', { policy: 'strict', retain: true }, 'ended'],
  ] as const)('%s', async (option, body, state) => {
    const { stderr } = await run(option, '--', node, '-e', '');
    expect(service.seen[0]?.body).toEqual(body);
    expect(service.state).toBe(state);
    expect(stderr).toContain(`millrace session report ${sessionId}`);
  });

  it.each([
    ['the command failed too', 'process.exit(5)', 5],
    ['the command went well', '', 69],
  ])('leaves the session when its report cannot be read and %s', async (_, command, expected) => {
    service.problem(`GET /v1/sessions/${sessionId}/report`, { status: 503, code: 'database-unavailable', detail: 'the record cannot be reached' });
    const { exitCode, stderr } = await run('--', node, '-e', command);
    expect(exitCode).toBe(expected);
    expect(service.state).toBe('revoked');
    expect(stderr).toContain(`Session ${sessionId} was not ended`);
  });

  it('says where it could not write the report, and leaves the session so that it can be read again', async () => {
    const { exitCode, stderr } = await run('--report', path.join(directory, 'no', 'report.json'), '--', node, '-e', '');
    expect(exitCode).toBe(64);
    expect(stderr).toContain('cannot write the report to');
    expect(service.state).toBe('revoked');
  });

  it('needs a command', async () => {
    const { exitCode, stderr } = await run('--policy', 'strict');
    expect(exitCode).toBe(64);
    expect(stderr).toContain("missing required argument 'command'");
    expect(service.lines).toEqual([]);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
