import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { startOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom } from './session-report.js';

const mebibyte = 1024 * 1024;
const size = 1024 * mebibyte;

/** Kilobytes by name (`VmRSS`, `VmHWM`) of a running process, in bytes. */
function memoryOf(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

async function sendBlocks(response: ServerResponse, block: Buffer): Promise<void> {
  for (let sent = 0; sent < size; sent += block.length) {
    if (!response.write(block)) await new Promise((resolve) => response.once('drain', resolve));
  }
  response.end();
}

describeClient('curl', ({ service, directory }) => {
  it('downloads 1 GiB while the memory of the proxy stays flat', async () => {
    const block = Buffer.alloc(4 * mebibyte, 'millrace ');
    const expected = createHash('sha256');
    for (let hashed = 0; hashed < size; hashed += block.length) expected.update(block);
    const origin = await startOrigin(service(), 'https', (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
      void sendBlocks(response, block);
    });
    try {
      const [pid = 0] = service().proxyProcesses();
      writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak counts from here
      const atRest = memoryOf(pid, 'VmRSS');
      const samples: number[] = [];
      const done = new AbortController();
      const sampling = (async () => {
        while (!done.signal.aborted) {
          samples.push(memoryOf(pid, 'VmRSS'));
          await pause(100, undefined, { signal: done.signal }).catch(() => undefined);
        }
      })();
      const { report, stdout } = await runInSession(service(), {
        directory: directory(),
        command: ['curl', '--silent', '--show-error', '--output', '/dev/null', '--write-out', '%{size_download}', `${origin.url}/large.bin`],
      }).finally(() => done.abort());
      await sampling;
      expect(stdout).toBe(String(size));
      expect(artefactsFrom(report, '/large.bin')).toMatchObject([{ metadata: { size, sha256: expected.digest('hex') } }]);
      expect(samples.length).toBeGreaterThan(3);
      // The kernel counts both by thread and sums up now and then, so that either may lag behind by a little.
      const peak = Math.max(memoryOf(pid, 'VmHWM'), ...samples);
      expect((peak - atRest) / mebibyte).toBeLessThan(150);
    } finally {
      await origin.close();
    }
  }, 120_000);
});
