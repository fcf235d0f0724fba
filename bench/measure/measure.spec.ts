import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { usageOf } from './process-usage.js';
import { spreadOf } from './spread.js';

describe('the spread of measurements', () => {
  it('is their median and range', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([4, 1, 2, undefined, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
    expect(spreadOf([undefined])).toBeUndefined();
  });
});

describe('what processes use', () => {
  const onLinux = process.platform === 'linux';

  it('is known on Linux only', () => {
    expect(usageOf([process.pid]) !== undefined).toBe(onLinux);
  });

  it('counts descendants', async () => {
    const work = 'const end = performance.now() + 300; while (performance.now() < end); process.stdout.write("done"); setInterval(() => undefined, 1000)';
    const parent = spawn(process.execPath, ['-e', `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(work)}], { stdio: 'inherit' })`], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    try {
      await once(parent.stdout, 'data');
      const usage = usageOf([parent.pid ?? 0]);
      if (onLinux) expect(usage?.cpu).toBeGreaterThanOrEqual(100);
      else expect(usage).toBeUndefined();
    } finally {
      process.kill(-(parent.pid ?? 0), 'SIGKILL');
    }
  });
});
