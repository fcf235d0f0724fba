// A program of its own between a worker and a tool that starts processes without end. It must not need anything of the worker, which may be killed at any time:
// so it imports nothing of this project, and runs from its source as well as built.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { SupervisorReport, SupervisorTask } from './supervised-tool.js';

/** In the environment of all that a tool starts: who left its process group and its session is still known by it. */
const markName = 'MILLRACE_TOOL';
/** Milliseconds between looks for processes that are still there, and how long one looks at most: what hangs in the kernel cannot be ended. */
const lookInterval = 50;
const longestLook = 5000;
/** Milliseconds between looks at what a tool that runs has started. */
const watchInterval = 1000;
/** Of `/proc/<pid>/stat`, counted from the state. */
const startTime = 19;
/** Milliseconds for the last output of a tool that has ended. */
const lastOutput = 500;

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Processes of a tool by number, and when each began (a number may be somebody else's later). Changed at every look. */
type Family = Map<number, string>;

interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly began: string;
  readonly own: boolean;
}

/**
 * All processes with the mark, those of the group, and what any of these has started: `sudo`, `mock` and `env -i` clear the environment, often in a session of their own.
 * Who was seen once is remembered without its parent. Processes of other users keep their environment to themselves; nothing of ours is among them.
 */
function processesOf(mark: string, family: Family, group?: number): number[] {
  const wanted = `${markName}=${mark}`;
  const seen = readdirSync('/proc').flatMap((name): SeenProcess[] => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state, parent, pgrp, began] = [fields[0], Number(fields[1]), Number(fields[2]), fields[startTime] ?? ''];
      if (state === 'Z' || state === 'X') return [];
      return [{ pid, parent, began, own: pgrp === group || family.get(pid) === began || hasMark(pid, wanted) }];
    } catch {
      return []; // gone, or not ours
    }
  });
  family.clear();
  for (const { pid, began, own } of seen) if (own) family.set(pid, began);
  for (let before = -1; before < family.size; ) {
    before = family.size;
    for (const { pid, parent, began } of seen) if (family.has(parent)) family.set(pid, began);
  }
  return [...family.keys()];
}

function hasMark(pid: number, wanted: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
  } catch {
    return false; // of another user
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

/** New ones may be started while one looks. */
async function killAll(mark: string, family: Family, group?: number): Promise<void> {
  for (let looked = 0; looked < longestLook; looked += lookInterval) {
    const left = processesOf(mark, family, group);
    if (left.length === 0) return;
    signalAll(left, 'SIGKILL');
    await wait(lookInterval);
  }
}

/** Appends what a tool says, up to a limit; a full disk must not end the tool before it has noticed itself. */
function keepOutput(child: ChildProcess, which: 'stdout' | 'stderr', { file, limit }: { readonly file: string; readonly limit: number }): void {
  const descriptor = openSync(file, 'a', 0o644);
  let left = limit;
  const write = (bytes: Buffer): void => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    } catch {
      left = -1;
    }
  };
  child[which]?.on('data', (chunk: Buffer) => {
    if (left < 0) return;
    write(chunk.subarray(0, left));
    if (left < 0) return;
    left -= chunk.length;
    if (left < 0) write(Buffer.from(`\n[millrace] the output is longer than ${limit} bytes; the rest is not kept\n`));
  });
  child[which]?.on('error', () => undefined);
  child.once('close', () => closeSync(descriptor));
}

async function supervise(task: SupervisorTask, stop: Promise<void>): Promise<SupervisorReport> {
  const family: Family = new Map();
  await killAll(task.mark, family); // of an attempt before, whose supervisor was killed
  if (task.program === undefined) return { kind: 'ended', code: 0, signal: null };
  const child = spawn(task.program, task.args, { cwd: task.directory, env: { ...task.environment, [markName]: task.mark }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  keepOutput(child, 'stdout', { file: task.stdout, limit: task.outputLimit });
  keepOutput(child, 'stderr', { file: task.stderr, limit: task.outputLimit });
  const failed = new Promise<SupervisorReport>((resolve) => child.once('error', ({ message }) => resolve({ kind: 'not-started', message })));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<SupervisorReport>((resolve) => child.once('exit', (code, signal) => resolve({ kind: 'ended', code, signal })));
  if (child.pid === undefined) return failed;
  const group = child.pid;
  const watch = setInterval(() => processesOf(task.mark, family, group), watchInterval);
  void stop.then(() => signalAll(processesOf(task.mark, family, group), 'SIGTERM'));
  const report = await Promise.race([exited, stop.then(() => wait(task.grace))]);
  // Whatever it has left behind ends with it.
  if (report !== undefined) await Promise.race([closed, wait(lastOutput)]);
  clearInterval(watch);
  await killAll(task.mark, family, group);
  await Promise.race([closed, wait(lastOutput)]);
  return report ?? (await exited);
}

/** The first line of standard input is the task. Its end, however it comes, means that nobody wants the tool to go on. */
async function main(): Promise<void> {
  const { promise: stop, resolve: stopNow } = Promise.withResolvers<void>();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stopNow());
  const lines = createInterface({ input: process.stdin });
  const first = new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
  lines.once('close', stopNow);
  process.stdin.on('error', () => stopNow());
  process.stdout.on('error', () => undefined); // nobody is there any more to be told
  const text = await first;
  if (text === undefined) return;
  const report = await supervise(JSON.parse(text) as SupervisorTask, stop).catch((error: unknown): SupervisorReport => ({ kind: 'not-started', message: String(error) }));
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  setTimeout(() => process.exit(0), lastOutput);
}

await main();
