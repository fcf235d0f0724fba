import { createHash, hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createInspectedBody, type BodySource } from '../inspection/inspected-body.js';
import type { InspectionContext, SessionKnowledge } from '../inspection/inspector.js';
import { runResponseInspection, type InspectedExchange } from '../inspection/response-inspection.js';
import { npmPackumentInspector } from '../inspectors/npm/npm-packument-inspector.js';
import { projectRoot } from '../embedded/project-root.js';
import { createMemorySessionKnowledge } from '../testing/memory-session-knowledge.js';
import { createInspectionThreads, type InspectionThreads } from './inspection-threads.js';

const built = path.join(projectRoot(), 'dist/libs/inspection-threads/inspection-thread.js');
const hostile = path.join(projectRoot(), 'libs/inspection-threads/__fixtures__/hostile-thread.mjs');
const home = mkdtempSync(path.join(tmpdir(), 'millrace-threads-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const packument = (versions: number) =>
  Buffer.from(
    JSON.stringify({
      name: 'sample',
      versions: Object.fromEntries(
        Array.from({ length: versions }, (_, patch) => {
          const version = `1.0.${patch}`;
          const integrity = `sha512-${createHash('sha512').update(version).digest('base64')}`;
          return [version, { name: 'sample', version, description: 'd'.repeat(500), dist: { tarball: `https://registry.example/sample/-/sample-${version}.tgz`, integrity } }];
        }),
      ),
    }),
  );

function exchangeOf(bytes: Buffer, encoding = ''): InspectedExchange {
  const file = path.join(home, hash('sha1', bytes));
  writeFileSync(file, bytes);
  const digests = { sha1: hash('sha1', bytes), sha256: hash('sha256', bytes), size: bytes.length };
  const source: BodySource = { digests, contentEncoding: encoding, file, head: bytes.subarray(0, 4096) };
  const userAgent = 'npm/11.0.0 node/v24.0.0 linux x64';
  const fields = encoding === '' ? [] : ['Content-Encoding', encoding];
  return {
    request: { method: 'GET', url: 'https://registry.example:443/sample', origin: 'https://registry.example:443', path: '/sample', query: '', header: (name) => (name === 'user-agent' ? userAgent : undefined) },
    response: { status: 200, header: (name) => (name === 'content-encoding' && encoding !== '' ? encoding : undefined) },
    body: createInspectedBody(source),
    requestInspections: { 'npm.packument': { opinion: 'Pending', reason: 'a packument' } },
    transferable: { requestFields: ['User-Agent', userAgent], responseFields: fields, body: source, consultDepth: 0 },
  };
}

function context(sessionId: string, knowledge: SessionKnowledge = createMemorySessionKnowledge()): InspectionContext {
  return { sessionId, policy: 'strict', configuration: {}, knowledge };
}

async function withThreads<Result>(options: Parameters<typeof createInspectionThreads>[0], use: (threads: InspectionThreads) => Promise<Result>): Promise<Result> {
  const threads = createInspectionThreads({ threads: 2, ...options });
  try {
    return await use(threads);
  } finally {
    await threads.close();
  }
}

const inspect = (threads: InspectionThreads, exchange: InspectedExchange, of: InspectionContext, startTimer?: (callback: () => void) => () => void) =>
  runResponseInspection([npmPackumentInspector], exchange, { context: of, inspect: threads.inspect, ...(startTimer === undefined ? {} : { startTimer }) });

describe('inspection threads', () => {
  it.each([
    ['as it is', ''],
    ['with a content coding', 'gzip'],
  ])('inspect a large body %s as the event loop would, with the knowledge of the session', async (_name, encoding) => {
    const bytes = packument(2000);
    const exchange = exchangeOf(encoding === '' ? bytes : gzipSync(bytes), encoding);
    const [here, there] = [createMemorySessionKnowledge(), createMemorySessionKnowledge()];
    const expected = await runResponseInspection([npmPackumentInspector], exchange, { context: context('a', here) });
    const result = await withThreads({ entry: built }, (threads) => inspect(threads, exchange, context('a', there)));
    expect(result).toEqual(expected);
    expect(result.verdict).toBe('Approved');
    const key = 'npm/files/https://registry.example:443/sample';
    expect((await there.get(key)) === (await here.get(key))).toBe(true);
    expect(await there.get(key)).toContain('sample-1.0.1999.tgz');
  }, 60_000);

  it('leave the event loop free meanwhile', async () => {
    const exchange = exchangeOf(packument(20_000));
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    const result = await withThreads({ entry: built }, async (threads) => {
      count();
      return inspect(threads, exchange, context('a'));
    });
    counting = false;
    expect(result.verdict).toBe('Approved');
    expect(turns).toBeGreaterThan(1000);
  }, 60_000);

  it('refuse with the reason what the inspector refuses', async () => {
    const result = await withThreads({ entry: built }, (threads) => inspect(threads, exchangeOf(Buffer.from(`{"name":"other","x":"${'y'.repeat(40_000)}"}`)), context('a')));
    expect(result.inspections['npm.packument']).toEqual({ opinion: 'Rejected', reason: 'the package document is not that of "sample"' });
  }, 60_000);

  it('are ended when the time of an inspection is over, and never all taken by one session', async () => {
    const exchange = exchangeOf(packument(2000));
    await withThreads({ entry: hostile }, async (threads) => {
      let timeIsOver: () => void = () => undefined;
      const first = inspect(threads, exchange, context('spins'), (callback) => {
        timeIsOver = callback;
        return () => undefined;
      });
      const waiting = Array.from({ length: 3 }, () => inspect(threads, exchange, context('spins'), (callback) => ((timeIsOver = callbackBefore(timeIsOver, callback)), () => undefined)));
      // While one session's thread spins and its other inspections wait, another session is served.
      expect((await inspect(threads, exchange, context('other'))).inspections['npm.packument']?.reason).toBe('inspected for other');
      timeIsOver();
      for (const result of await Promise.all([first, ...waiting])) {
        expect(result.inspections['npm.packument']).toEqual({ opinion: 'Rejected', reason: 'the inspection timed out after 60 seconds' });
      }
      expect((await inspect(threads, exchange, context('another'))).verdict).toBe('Approved');
    });
  }, 60_000);

  it('serve who waits when sessions together took all threads and are ended', async () => {
    const exchange = exchangeOf(packument(2000));
    await withThreads({ entry: hostile }, async (threads) => {
      const ends: (() => void)[] = [];
      const startTimer = (end: () => void) => (ends.push(end), () => undefined);
      const spinning: Promise<unknown>[] = [];
      for (const session of ['spins', 'spins too']) {
        await new Promise<void>((resolve) => {
          const knowledge = { get: async () => undefined, put: async () => resolve(), replace: async () => true };
          spinning.push(inspect(threads, exchange, context(session, knowledge), startTimer));
        });
      }
      const waiting = inspect(threads, exchange, context('waits'));
      await new Promise((resolve) => setImmediate(resolve));
      for (const end of ends) end();
      await Promise.all(spinning);
      expect((await waiting).inspections['npm.packument']?.reason).toBe('inspected for waits');
    });
  }, 20_000);

  it('are ended when they need too much memory, which refuses the artefact and nothing else', async () => {
    const exchange = exchangeOf(packument(2000));
    await withThreads({ entry: hostile, heapMiB: 64 }, async (threads) => {
      expect((await inspect(threads, exchange, context('eats'))).inspections['npm.packument']).toEqual({
        opinion: 'Rejected',
        reason: 'the inspection failed: it needed more memory than an inspection may have',
      });
      expect((await inspect(threads, exchange, context('other'))).verdict).toBe('Approved');
    });
  }, 60_000);

  it('are used for whatever is packed, however small, and not for small texts', async () => {
    await withThreads({ entry: hostile }, async (threads) => {
      const reasonOf = async (bytes: Buffer, encoding = '') => (await inspect(threads, exchangeOf(bytes, encoding), context('a'))).inspections['npm.packument']?.reason;
      expect(await reasonOf(packument(3))).toBe('valid npm package document');
      expect(await reasonOf(gzipSync(packument(3)), 'gzip')).toBe('inspected for a');
      expect(await reasonOf(Buffer.concat([packument(3), Buffer.from([0])]))).toBe('inspected for a');
      expect(await reasonOf(packument(10))).toBe('inspected for a');
    });
  });
});

function callbackBefore(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}
