import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isRunning, processesWith } from '../testing/processes.js';
import { runTool, type SupervisedTool } from './supervised-tool.js';

let folder: string;
let marks = 0;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-tool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => path.join(folder, name);

function shell(script: string, change: Partial<SupervisedTool> = {}): SupervisedTool {
  marks += 1;
  const environment = { PATH: process.env['PATH'] ?? '', FOLDER: folder };
  return { program: '/bin/sh', args: ['-c', script], directory: folder, environment, stdout: file('out'), stderr: file('err'), outputLimit: 1000, mark: `spec-${process.pid}-${marks}`, ...change };
}

const run = (tool: SupervisedTool, signal = new AbortController().signal) => runTool(tool, { signal });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Starts one that stays in the group, one in a session of its own, and one that is an orphan; none of them ends when it is asked to. */
const family = `
trap '' TERM
stubborn='import signal,time,os,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1],"w").write(str(os.getpid())); time.sleep(1000)'
python3 -c "$stubborn" "$FOLDER/one" &
setsid python3 -c "$stubborn" "$FOLDER/two" &
( setsid python3 -c "$stubborn" "$FOLDER/three" & )
while [ ! -s "$FOLDER/one" ] || [ ! -s "$FOLDER/two" ] || [ ! -s "$FOLDER/three" ]; do sleep 0.05; done
`;
const members = ['one', 'two', 'three'];
const pids = (): number[] => members.map((name) => Number(readFileSync(file(name), 'utf8')));

describe('a supervised tool', () => {
  it('has its exit code told, and what it said kept, after what was there before', async () => {
    expect(await run(shell('echo first; echo second >&2; exit 3'))).toEqual({ code: 3, signal: null });
    expect(await run(shell('echo third'))).toEqual({ code: 0, signal: null });
    expect([readFileSync(file('out'), 'utf8'), readFileSync(file('err'), 'utf8')]).toEqual(['first\nthird\n', 'second\n']);
  });

  it('has the environment that it is given, and nothing of ours', async () => {
    await run(shell('env', { environment: { PATH: '/usr/bin:/bin', TOKEN: 'x' } }));
    const names = readFileSync(file('out'), 'utf8').split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => !['', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name as string)).sort()).toEqual(['MILLRACE_TOOL', 'PATH', 'TOKEN']);
  });

  it('that cannot be started, or was ended by a signal, is told apart', async () => {
    await expect(run(shell('', { program: file('nothing') }))).rejects.toMatchObject({ code: 'tool-not-found', message: expect.stringContaining('ENOENT') });
    expect(await run(shell('kill -9 $$'))).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('may say as much as it likes: what is beyond the limit is not kept, and it goes on', async () => {
    expect(await run(shell('head -c 5000000 /dev/zero | tr "\\0" x; echo end >&2'))).toEqual({ code: 0, signal: null });
    expect(readFileSync(file('out'), 'utf8')).toMatch(/^x{1000}\n\[millrace\] the output is longer than 1000 bytes; the rest is not kept\n$/);
    expect(readFileSync(file('err'), 'utf8')).toBe('end\n');
  });

  it('is ended with all that it has started, although none of it wants to', async () => {
    const stop = new AbortController();
    const running = run(shell(`${family} wait`), stop.signal);
    await until(() => members.every((name) => existsSync(file(name)) && statSync(file(name)).size > 0));
    expect(pids().map(isRunning)).toEqual([true, true, true]);
    stop.abort(new Error('cancelled by ada'));
    await expect(running).rejects.toThrow('cancelled by ada');
    expect(pids().map(isRunning)).toEqual([false, false, false]);
  });

  it('is ended with what has left its environment, its session and, when it is asked to end, its parent', async () => {
    const stop = new AbortController();
    const stubborn = 'import os,signal,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1],"w").write(str(os.getpid())); time.sleep(1000)';
    const running = run(shell(`setsid env -i python3 -c '${stubborn}' "$FOLDER/one" & wait`), stop.signal);
    await until(() => existsSync(file('one')) && statSync(file('one')).size > 0);
    const pid = Number(readFileSync(file('one'), 'utf8'));
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const left = isRunning(pid);
    if (left) process.kill(pid, 'SIGKILL');
    expect(left).toBe(false);
  });

  it('that ends by itself leaves nothing behind either', async () => {
    expect(await run(shell(`${family} exit 0`))).toEqual({ code: 0, signal: null });
    expect(pids().map(isRunning)).toEqual([false, false, false]);
  });

  it('is asked first, so that it can tidy up', async () => {
    const stop = new AbortController();
    const running = run(shell('trap "echo tidied; exit 0" TERM; touch ready; while :; do sleep 0.05; done'), stop.signal);
    await until(() => existsSync(file('ready')));
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(readFileSync(file('out'), 'utf8')).toBe('tidied\n');
  });

  it('is not started when nobody wants it any more', async () => {
    await expect(run(shell('touch started'), AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(existsSync(file('started'))).toBe(false);
  });

  it('ends when what watches over it is killed, and that is told', async () => {
    const tool = shell(`${family} wait`);
    const running = run(tool);
    await until(() => members.every((name) => existsSync(file(name)) && statSync(file(name)).size > 0));
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${processesWith(`MILLRACE_TOOL=${tool.mark}`).sort((one, other) => one - other)[0]}/status`, 'utf8'))?.[1]);
    process.kill(parent, 'SIGKILL');
    await expect(running).rejects.toMatchObject({ code: 'internal', message: 'what watches over /bin/sh was ended from outside' });
    expect(pids().map(isRunning)).toEqual([false, false, false]);
  });

  it('ends when the process that wants it is killed -9', async () => {
    const tool = shell(`${family} wait`);
    const supervisor = fileURLToPath(new URL('./tool-supervisor.ts', import.meta.url));
    // As a worker has it: the pipe is all that holds them together.
    const script = `const child = require('node:child_process').spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ${JSON.stringify(supervisor)}], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] }); child.stdin.write(${JSON.stringify(`${JSON.stringify({ ...tool, grace: 100 })}\n`)}); setInterval(() => undefined, 1000);`;
    const worker = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
    await until(() => members.every((name) => existsSync(file(name)) && statSync(file(name)).size > 0));
    worker.kill('SIGKILL');
    await until(() => !pids().some(isRunning));
    expect(processesWith(`MILLRACE_TOOL=${tool.mark}`)).toEqual([]);
  });

  it('ends what an attempt before it has left behind, and nothing else', async () => {
    const mine = shell('');
    const orphan = spawn('/bin/sleep', ['1000'], { env: { MILLRACE_TOOL: mine.mark }, stdio: 'ignore', detached: true });
    const other = spawn('/bin/sleep', ['1000'], { env: { MILLRACE_TOOL: `${mine.mark}0` }, stdio: 'ignore', detached: true });
    await run(mine);
    expect([isRunning(orphan.pid as number), isRunning(other.pid as number)]).toEqual([false, true]);
    other.kill('SIGKILL');
  });
});
