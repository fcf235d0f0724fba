import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const file = path.resolve('libs/service/weigh-buffers.ts');

/** Collections of the whole heap while 1 GiB of buffers passes through a process of its own. */
async function collections(weighed: boolean): Promise<number> {
  const script = `
    import { constants, PerformanceObserver } from 'node:perf_hooks';
    import { setImmediate } from 'node:timers/promises';
    import { weighBuffersWithHeap } from ${JSON.stringify(file)};
    if (${weighed}) weighBuffersWithHeap();
    let whole = 0;
    new PerformanceObserver((list) => { for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole += 1; }).observe({ entryTypes: ['gc'] });
    for (let each = 0; each < 4096; each += 1) {
      Buffer.allocUnsafeSlow(256 * 1024);
      if (each % 64 === 0) await setImmediate();
    }
    await setImmediate();
    process.stdout.write(String(whole));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]);
  return Number(stdout);
}

describe('buffers that count with the heap', () => {
  it('have the whole heap collected less often than every 64 MiB', async () => {
    const [by64, together] = await Promise.all([collections(false), collections(true)]);
    expect(together).toBeLessThan(by64 / 2);
  });
});
