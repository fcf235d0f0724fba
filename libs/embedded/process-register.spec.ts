import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tryLock } from './exclusive-lock.js';
import { identifyProcess, isSameProcess } from './process-identity.js';
import { ProcessRegister, endLeftOvers } from './process-register.js';

let folder: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'register-'));
  file = path.join(folder, 'processes.json');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('left-over processes', () => {
  it('are ended, also those that do not listen to SIGTERM', async () => {
    const register = new ProcessRegister(file);
    const gentle = await startChild('process.stdout.write("up"); setInterval(() => 0, 1000)');
    const stubborn = await startChild('process.on("SIGTERM", () => 0); process.stdout.write("up"); setInterval(() => 0, 1000)');
    register.set('gentle', gentle.pid);
    register.set('stubborn', stubborn.pid);
    expect(await endLeftOvers(file, 200)).toEqual(['gentle', 'stubborn']);
    expect(identifyProcess(gentle.pid ?? 0)).toBeUndefined();
    expect(identifyProcess(stubborn.pid ?? 0)).toBeUndefined();
  });

  it('are left alone when the process id belongs to another process by now', async () => {
    const other = await startChild('process.stdout.write("up"); setInterval(() => 0, 1000)');
    writeFileSync(file, JSON.stringify([{ name: 'gateway', pid: other.pid, startTime: 'before/123' }]));
    expect(await endLeftOvers(file, 200)).toEqual([]);
    expect(identifyProcess(other.pid ?? 0)).toBeDefined();
  });

  it.each([['', 'an empty file'], ['[{"name":', 'a file that was cut short'], ['{"a":1}', 'another shape'], ['[{"name":"x","pid":-1,"startTime":"1"},{"name":"x","pid":1,"startTime":"1"},null]', 'process ids that mean groups or init']])('are none in %j (%s)', async (content) => {
    writeFileSync(file, content);
    expect(await endLeftOvers(file, 200)).toEqual([]);
  });

  it('are forgotten when they ended while the server ran', async () => {
    const register = new ProcessRegister(file);
    const child = await startChild('process.stdout.write("up"); setInterval(() => 0, 1000)');
    register.set('proxy-1', child.pid);
    expect(readFileSync(file, 'utf8')).toContain('proxy-1');
    register.set('proxy-1', undefined);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([]);
  });
});

describe('the identity of a process', () => {
  it('names this one and no other', () => {
    const self = identifyProcess(process.pid);
    expect(self).toBeDefined();
    expect(self !== undefined && isSameProcess(self)).toBe(true);
    expect(isSameProcess({ pid: process.pid, startTime: 'x' })).toBe(false);
  });
});

describe('the lock', () => {
  it('is had by one at a time', () => {
    const first = tryLock(path.join(folder, 'lock'));
    expect(first).toBeDefined();
    expect(tryLock(path.join(folder, 'lock'))).toBeUndefined();
    first?.release();
    const second = tryLock(path.join(folder, 'lock'));
    expect(second).toBeDefined();
    second?.release();
  });

  it('is free again when its holder was killed -9', async () => {
    const lock = path.join(folder, 'lock');
    const holder = await startChild(`const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(${JSON.stringify(lock)}); d.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE'); process.stdout.write("up"); setInterval(() => d, 1000)`);
    expect(tryLock(lock)).toBeUndefined();
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    const mine = tryLock(lock);
    expect(mine).toBeDefined();
    mine?.release();
  });
});

/** A Node process that has said "up". */
async function startChild(script: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}
