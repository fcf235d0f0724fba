import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DaemonLog } from './daemon-log.js';
import { IdleShutdown } from './idle-shutdown.js';
import { LogTail, describeLogLine } from './log-tail.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'daemon-log-'));
  file = path.join(folder, 'fetch-service.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the daemon\'s log', () => {
  it('goes on in a new file after the old one was moved away', () => {
    const log = new DaemonLog(file);
    log.write('one');
    renameSync(file, `${file}.1`);
    log.reopen();
    log.error('two');
    expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/^\S+Z one\n$/);
    expect(readFileSync(file, 'utf8')).toMatch(/^\S+Z ERROR: two\n$/);
  });

  it('makes one line of what a build chose', () => {
    new DaemonLog(file).write('GET https://a/\r\nERROR: bind: address already in use\u001b[2J');
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2);
    expect(readFileSync(file, 'utf8')).not.toContain('\u001b');
  });
});

describe('following a log', () => {
  it('starts at its end, waits for whole lines, and starts over when it was rotated', () => {
    writeFileSync(file, 'old\n');
    const tail = new LogTail(file);
    expect(tail.read()).toEqual([]);
    appendFileSync(file, 'first\nsec');
    expect(tail.read()).toEqual(['first']);
    appendFileSync(file, 'ond ü\n');
    expect(tail.read()).toEqual(['second ü']);
    writeFileSync(file, 'new\n');
    expect(tail.read()).toEqual(['new']);
  });

  it('keeps the words of our processes and drops what nobody needs', () => {
    expect(describeLogLine('{"level":30,"msg":"create strict session abc"}', 'gateway')).toBe('create strict session abc');
    expect(describeLogLine('{"level":20,"msg":"answered"}', 'gateway')).toBeUndefined();
    expect(describeLogLine('{"level":50,"msg":"request failed","err":{"message":"no database"}}', 'gateway')).toBe('ERROR: gateway: request failed: no database');
    expect(describeLogLine('{"level":40,"msg":"slow"}', 'proxy-1')).toBe('WARNING: proxy-1: slow');
    expect(describeLogLine('Segmentation fault', 'proxy-1')).toBe('proxy-1: Segmentation fault');
  });
});

describe('the idle shutdown', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('comes when nobody asked for anything and there is no session', async () => {
    const onIdle = jest.fn();
    const idle = new IdleShutdown({ seconds: 10, activeSessions: () => Promise.resolve(0), onIdle });
    await jest.advanceTimersByTimeAsync(9000);
    idle.touch();
    await jest.advanceTimersByTimeAsync(9000);
    expect(onIdle).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1000);
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  it.each([[1], [undefined]])('waits for the last session, and for an answer (%s)', async (first) => {
    const onIdle = jest.fn();
    let active: number | undefined = first;
    new IdleShutdown({ seconds: 10, activeSessions: () => Promise.resolve(active), onIdle });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(onIdle).not.toHaveBeenCalled();
    active = 0;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  it('never comes with 0 seconds', async () => {
    const onIdle = jest.fn();
    new IdleShutdown({ seconds: 0, activeSessions: () => Promise.resolve(0), onIdle });
    await jest.advanceTimersByTimeAsync(86_400_000);
    expect(onIdle).not.toHaveBeenCalled();
  });
});
