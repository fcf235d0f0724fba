import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createInspectedBody } from '../inspection/inspected-body.js';
import type { ArtefactMetadata, Opinion } from '../inspection/inspection.js';
import type { Inspector } from '../inspection/inspector.js';
import { judgingContext, type JudgingContext } from '../inspection/policy-opinion.js';
import { runRequestInspection } from '../inspection/request-inspection.js';
import { runResponseInspection } from '../inspection/response-inspection.js';
import { judgeRequest } from '../inspection/verdict.js';
import { artefactFacts, policyDocument } from '../policy/__fixtures__/random-policies.js';
import { compilePolicy, type CompiledPolicy } from '../policy/compile-policy.js';
import { readPolicyDocument } from '../policy/record-policy-documents.js';
import type { ArtefactFacts } from '../policy/policy-facts.js';
import type { TrafficEvent } from '../session/session-events.js';
import { createMemorySessionKnowledge } from '../testing/memory-session-knowledge.js';
import { downloaded, failed, refused, requestRecord, responseRecord } from './__fixtures__/traffic-events.js';
import { judgeRecordedTraffic } from './judge-recorded-traffic.js';

const openedAt = Date.parse('2026-06-30T00:00:00Z');
const compiled = (document: object): CompiledPolicy => compilePolicy([readPolicyDocument(JSON.stringify(document), 'session')], openedAt);
const contextOf = (rules: CompiledPolicy | undefined): JudgingContext => judgingContext({ sessionId: 'a', policy: 'permissive', configuration: {}, knowledge: createMemorySessionKnowledge() }, rules);

/** Inspectors that say what the facts say of the artefact. */
function inspectorsOf(facts: ArtefactFacts, opinion: Opinion): readonly Inspector[] {
  const { type, purl, licence, published, signedBy } = facts;
  const metadata: Partial<ArtefactMetadata> = { type, license: licence, ...(purl === undefined ? {} : { purl }), ...(published === undefined ? {} : { published }), ...(signedBy === undefined ? {} : { signedBy }) };
  const fallback: Inspector = { id: 'default', inspectRequest: () => undefined, inspectResponse: async () => ({ opinion: 'Unknown', reason: 'unknown', metadata: { type } }) };
  const known = facts.ecosystems.map((ecosystem): Inspector => ({ id: `${ecosystem}.thing`, inspectRequest: () => ({ opinion: 'Pending', reason: 'known' }), inspectResponse: async () => ({ opinion, reason: 'judged', metadata }) }));
  return [...known, fallback];
}

/** One exchange as the runners judge it and the proxy records it. */
async function live(facts: ArtefactFacts, opinion: Opinion, rules: CompiledPolicy | undefined): Promise<{ readonly event: TrafficEvent; readonly passes: boolean }> {
  const inspectors = inspectorsOf(facts, opinion);
  const context = contextOf(rules);
  const request = { method: facts.method, url: facts.url, origin: '', path: '/', query: '', header: () => undefined };
  const requestInspections = runRequestInspection(inspectors, request, context);
  const body = createInspectedBody({ bytes: Buffer.from('x'), digests: { ...facts.digests, size: 1 }, contentEncoding: '' });
  const { inspections, metadata, verdict } = await runResponseInspection(inspectors, { request, response: { status: 200, header: () => undefined }, body, requestInspections }, { context });
  const event = downloaded({ request: requestRecord({ url: facts.url, requestInspection: requestInspections }), body: { ...facts.digests, size: 1 }, responseInspection: inspections, metadata, verdict });
  return { event, passes: judgeRequest(requestInspections) && verdict === 'Approved' };
}

describe('judgeRecordedTraffic', () => {
  it('says of a recorded exchange what the proxy would have said live, whatever was in force then', async () => {
    const opinion = fc.constantFrom<Opinion>('Approved', 'Unknown', 'Rejected');
    await fc.assert(
      fc.asyncProperty(artefactFacts, opinion, fc.option(policyDocument, { nil: undefined }), policyDocument, async (facts, said, before, after) => {
        const recorded = await live(facts, said, before === undefined ? undefined : compiled(before));
        const now = await live(facts, said, compiled(after));
        expect(judgeRecordedTraffic(compiled(after), recorded.event)?.result).toBe(now.passes ? 'passed' : 'refused');
      }),
      { numRuns: 400 },
    );
  });

  it('tells what the document refuses from what strict refuses anyway', () => {
    const unknown = downloaded({ request: requestRecord({ requestInspection: { default: { opinion: 'Unknown', reason: 'not recognised' } } }) });
    expect(judgeRecordedTraffic(compiled({ version: 1 }), unknown)).toEqual({ result: 'refused', stage: 'request', byPolicy: false, reason: 'default: not recognised' });
    expect(judgeRecordedTraffic(compiled({ version: 1, deny: [{ purl: 'pkg:npm/thing' }] }), downloaded())).toMatchObject({ result: 'refused', stage: 'artefact', byPolicy: true, reason: expect.stringContaining('policy: session policy, line 1 (deny)') });
    expect(judgeRecordedTraffic(compiled({ version: 1 }), downloaded())).toMatchObject({ result: 'passed' });
  });

  it('judges a request that never went upstream, or failed there, by the request', () => {
    const deny = compiled({ version: 1, deny: [{ host: 'origin.example' }] });
    const byPolicy = refused({ rule: 'policy', request: requestRecord() });
    expect(judgeRecordedTraffic(compiled({ version: 1 }), byPolicy)).toMatchObject({ result: 'passed' });
    expect(judgeRecordedTraffic(deny, byPolicy)).toMatchObject({ result: 'refused', stage: 'request' });
    expect(judgeRecordedTraffic(deny, failed())).toMatchObject({ result: 'refused', stage: 'request' });
    expect(judgeRecordedTraffic(deny, refused())).toBeUndefined();
  });

  it('judges what a redirect led to as what it was judged as, and refuses where it may not lead', () => {
    const url = 'https://storage.example:443/abc';
    const redirected = downloaded({ request: requestRecord({ url, judgedAs: 'https://origin.example:443/thing-1.0.tgz' }) });
    expect(judgeRecordedTraffic(compiled({ version: 1, origins: { npm: ['origin.example'] } }), redirected)).toMatchObject({ result: 'passed' });
    expect(judgeRecordedTraffic(compiled({ version: 1, origins: { npm: ['storage.example'] } }), redirected)).toMatchObject({ result: 'refused', stage: 'request' });
    expect(judgeRecordedTraffic(compiled({ version: 1, deny: [{ host: 'storage.example' }] }), redirected)).toMatchObject({ result: 'refused', stage: 'request', byPolicy: true });
  });

  it('takes other statuses as strict does: fine, unless they are a part of an artefact', () => {
    const deny = compiled({ version: 1, deny: [{ purl: 'pkg:npm/thing' }] });
    expect(judgeRecordedTraffic(deny, downloaded({ response: responseRecord({ status: 302 }), responseInspection: { default: { opinion: 'Unknown', reason: 'status 302' } } }))).toMatchObject({ result: 'passed' });
    expect(judgeRecordedTraffic(deny, downloaded({ response: responseRecord({ status: 206 }), responseInspection: { default: { opinion: 'Rejected', reason: 'part' } } }))).toMatchObject({ result: 'refused', byPolicy: false });
  });

  it('computes a SHA-512 that a pin asks for, keeps it in the record, and says where the record has none', async () => {
    const sha512 = createHash('sha512').update('x').digest('hex');
    const pins = compiled({ version: 1, pins: [{ sha512, url: 'https://files.example/x' }] });
    const facts: ArtefactFacts = { method: 'GET', url: 'https://files.example:443/x', ecosystems: [], type: 'text/plain', licence: '', digests: { sha1: '1'.repeat(40), sha256: '2'.repeat(64) } };
    const pinned = await live(facts, 'Unknown', pins);
    expect(pinned.passes).toBe(true);
    expect(judgeRecordedTraffic(pins, pinned.event)).toMatchObject({ result: 'passed' });
    const unpinned = await live(facts, 'Unknown', undefined);
    expect(judgeRecordedTraffic(pins, unpinned.event)).toMatchObject({ result: 'undecided', reason: expect.stringContaining('the record does not have it') });
  });
});
