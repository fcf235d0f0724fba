import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createInspectedBody } from '../inspection/inspected-body.js';
import { runRequestInspection } from '../inspection/request-inspection.js';
import { runResponseInspection, type ResponseInspectionResult } from '../inspection/response-inspection.js';
import { createContext, createRequest } from './__fixtures__/exchange.js';
import { sampleFile } from './__fixtures__/sample-file.js';
import { createInspectors } from './index.js';

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-spool-'));
afterAll(() => rmSync(directory, { recursive: true }));

const inspectors = createInspectors();

/** As the proxy does with a body that is too large for memory. */
async function inspectSpooled(url: string, bytes: Buffer, coding: string): Promise<ResponseInspectionResult> {
  const file = path.join(directory, 'spooled');
  writeFileSync(file, bytes);
  const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  const body = createInspectedBody({
    file,
    head: bytes.subarray(0, 4096),
    digests: { sha1: hash('sha1'), sha256: hash('sha256'), size: bytes.length },
    contentEncoding: coding,
  });
  const context = createContext();
  const request = createRequest(url, { 'user-agent': 'pip/24.0' });
  const requestInspections = runRequestInspection(inspectors, request, context);
  const response = { status: 200, header: (name: string) => (name === 'content-encoding' ? coding : undefined) };
  return runResponseInspection(inspectors, { request, response, body, requestInspections }, { context });
}

/** How many file descriptors this process holds. */
function openDescriptors(): number {
  return readdirSync('/dev/fd').length;
}

describe('a spooled body', () => {
  it.each([
    ['https://f.example/millrace_sample-1.0.0-py3-none-any.whl', 'millrace_sample-1.0.0-py3-none-any.whl', 'pip.wheel'],
    ['https://f.example/millrace-sample-1.0.0.tar.gz', 'millrace-sample-1.0.0.tar.gz', 'pip.sdist'],
    ['https://f.example/@millrace/sample/-/sample-1.0.0.tgz', 'millrace-sample-1.0.0.tgz', 'npm.tarball'],
  ])('is inspected like one in memory, with and without content coding: %s', async (url, sample, id) => {
    for (const [coding, bytes] of [
      ['', sampleFile(sample)],
      ['gzip', gzipSync(sampleFile(sample))],
    ] as const) {
      const result = await inspectSpooled(url, bytes, coding);
      expect(result.inspections[id]).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('is sound') as unknown });
      expect(result.metadata.version).toBe('1.0.0');
    }
  });

  it('leaves no file open, whether it was sound or not', async () => {
    const wheel = sampleFile('millrace_sample-1.0.0-py3-none-any.whl');
    const url = 'https://f.example/millrace_sample-1.0.0-py3-none-any.whl';
    await inspectSpooled(url, wheel, '');
    const before = openDescriptors();
    for (let round = 0; round < 20; round += 1) {
      await inspectSpooled(url, wheel, '');
      await inspectSpooled(url, wheel.subarray(0, wheel.length - 10), '');
      await inspectSpooled('https://f.example/x-1.0.tar.gz', sampleFile('millrace-sample-1.0.0.tar.gz').subarray(0, 300), '');
    }
    // Closing is asynchronous: the last few may still be under way.
    expect(openDescriptors()).toBeLessThan(before + 10);
  });
});
