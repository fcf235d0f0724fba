import { describe, expect, it } from '@jest/globals';
import { createInspectedBody } from './inspected-body.js';
import type { Inspection, Opinion } from './inspection.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from './inspector.js';
import { createMemorySessionKnowledge } from '../testing/memory-session-knowledge.js';
import { refusal } from './refusal.js';
import { runRequestInspection } from './request-inspection.js';
import { runResponseInspection, type ResponseInspectionOptions, type ResponseInspectionResult } from './response-inspection.js';
import { explainRefusal, judgeRequest, judgeResponse } from './verdict.js';

const context: InspectionContext = { sessionId: 'a'.repeat(32), policy: 'strict', configuration: {}, knowledge: createMemorySessionKnowledge() };
const request: InspectedRequest = { method: 'GET', url: 'http://a/', origin: 'http://a', path: '/', query: '', header: () => undefined };

function inspection(opinion: Opinion): Inspection {
  return { opinion, reason: opinion };
}

function inspector(id: string, onRequest: () => Inspection | undefined, onResponse: Inspector['inspectResponse'] = async () => undefined): Inspector {
  return { id, inspectRequest: onRequest, inspectResponse: onResponse };
}

const fallback = inspector(
  'default',
  () => inspection('Unknown'),
  async () => ({ ...inspection('Unknown'), metadata: { type: 'text/plain' } }),
);

function respond(inspectors: readonly Inspector[], options: Partial<ResponseInspectionOptions> = {}): Promise<ResponseInspectionResult> {
  const requestInspections = runRequestInspection(inspectors, request, context);
  const body = createInspectedBody({ bytes: Buffer.from('x'), digests: { sha1: '', sha256: '', size: 1 }, contentEncoding: '' });
  return runResponseInspection(inspectors, { request, response: { status: 200, header: () => undefined }, body, requestInspections }, { context, ...options });
}

function pending(id: string, answer: () => Promise<ResponseInspection | undefined>): Inspector {
  return inspector(id, () => inspection('Pending'), answer);
}

describe('judgeRequest', () => {
  it.each<[boolean, Opinion[]]>([
    [false, []],
    [true, ['Pending']],
    [true, ['Pending', 'Unknown']],
    [false, ['Unknown']],
    [false, ['Pending', 'Rejected']],
    [false, ['Approved']],
  ])('is %s for %j', (fine, opinions) => {
    expect(judgeRequest(Object.fromEntries(opinions.map((opinion, index) => [`i${index}`, inspection(opinion)])))).toBe(fine);
  });
});

describe('judgeResponse', () => {
  it.each<[string, Opinion, Opinion[]]>([
    ['Approved', 'Pending', ['Approved']],
    ['Approved', 'Pending', ['Approved', 'Unknown']],
    ['Rejected', 'Pending', ['Approved', 'Rejected']],
    ['Rejected', 'Pending', ['Unknown']],
    ['Rejected', 'Pending', []],
    ['Rejected', 'Unknown', ['Approved']],
  ])('is %s for a request that is %s and %j', (verdict, ofRequest, opinions) => {
    expect(judgeResponse({ a: inspection(ofRequest) }, Object.fromEntries(opinions.map((opinion, index) => [`i${index}`, inspection(opinion)])))).toBe(verdict);
  });

  it('is explained by the refusals first', () => {
    expect(explainRefusal({ a: inspection('Rejected'), b: inspection('Unknown') })).toBe('a: Rejected');
    expect(explainRefusal({ b: inspection('Unknown') })).toBe('b: Unknown');
  });
});

describe('runRequestInspection', () => {
  it('lets default speak only when nobody else does', () => {
    expect(runRequestInspection([inspector('a', () => undefined), fallback], request, context)).toEqual({
      default: { opinion: 'Unknown', reason: 'the request was not recognized by any format inspector' },
    });
    expect(Object.keys(runRequestInspection([inspector('a', () => inspection('Pending')), fallback], request, context))).toEqual(['a']);
  });

  it('counts a throw as Rejected', () => {
    const broken = inspector('a', () => {
      throw new TypeError('broken');
    });
    expect(runRequestInspection([broken], request, context)).toEqual({ a: { opinion: 'Rejected', reason: 'the inspection failed: broken' } });
  });
});

describe('runResponseInspection', () => {
  it('asks those who said Pending, and merges what they learnt over the default', async () => {
    const silent = inspector(
      'silent',
      () => undefined,
      async () => inspection('Rejected'),
    );
    const result = await respond([silent, pending('a', async () => ({ ...inspection('Approved'), metadata: { name: 'n', version: '' } })), fallback]);
    expect(result).toEqual({
      inspections: { a: inspection('Approved') },
      metadata: { type: 'text/plain', name: 'n', version: '', vendor: '', description: '', author: '', license: '' },
      verdict: 'Approved',
    });
  });

  it('shows default when nobody else has an opinion', async () => {
    expect(await respond([pending('a', async () => undefined), fallback])).toMatchObject({
      inspections: { default: { opinion: 'Unknown' } },
      verdict: 'Rejected',
    });
  });

  it('counts a throw as Rejected, with a bounded message', async () => {
    const result = await respond([
      pending('a', () => Promise.reject(refusal('x'.repeat(5000)))),
      pending('b', () => Promise.reject(new Error('surprise'))),
      fallback,
    ]);
    expect(result.inspections['a']?.reason).toBe('x'.repeat(1024));
    expect(result.inspections['b']).toEqual({ opinion: 'Rejected', reason: 'the inspection failed: surprise' });
  });

  it('rejects who takes too long, and tells it to stop', async () => {
    let signal: AbortSignal | undefined;
    const slow: Inspector = {
      id: 'slow',
      inspectRequest: () => inspection('Pending'),
      inspectResponse: (_request, _response, _body, given) => {
        signal = given.signal;
        return new Promise(() => undefined);
      },
    };
    let running = 0;
    const startTimer: ResponseInspectionOptions['startTimer'] = (callback, milliseconds) => {
      running += 1;
      if (milliseconds === 5000) queueMicrotask(callback);
      return () => {
        running -= 1;
      };
    };
    const result = await respond([slow], { timeLimit: 5000, startTimer });
    expect(result.inspections).toEqual({ slow: { opinion: 'Rejected', reason: 'the inspection timed out after 5 seconds' } });
    expect(signal?.aborted).toBe(true);
    expect(running).toBe(0);
  });

  it.each(['before it starts', 'while it runs'])('hands on the end of the exchange to its inspectors, %s', async (when) => {
    const exchange = new AbortController();
    if (when === 'before it starts') exchange.abort(new Error('revoked'));
    let signal: AbortSignal | undefined;
    const reader: Inspector = {
      id: 'reader',
      inspectRequest: () => inspection('Pending'),
      inspectResponse: async (_request, _response, _body, given) => {
        signal = given.signal;
        exchange.abort(new Error('revoked'));
        return inspection('Approved');
      },
    };
    await respond([reader], { context: { ...context, signal: exchange.signal } });
    expect(signal?.reason).toEqual(new Error('revoked'));
  });

  it('bounds every string', async () => {
    const result = await respond([
      pending('a', async () => ({
        opinion: 'Approved',
        reason: 'r\0',
        annotations: { long: 'x'.repeat(9999), list: Array<number>(999).fill(1) },
        metadata: { name: `\0\ud800${'n'.repeat(9999)}` },
      })),
      fallback,
    ]);
    expect(result.metadata.name).toHaveLength(4096);
    expect(result.inspections['a']).toMatchObject({ reason: 'r', annotations: { long: 'x'.repeat(1024) } });
    expect(result.inspections['a']?.annotations?.['list']).toHaveLength(64);
  });
});
