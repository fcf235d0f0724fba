import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openedAt } from './__fixtures__/policies.js';
import { artefactFacts, policyDocument, rule } from './__fixtures__/random-policies.js';
import { compilePolicy } from './compile-policy.js';
import type { PolicyOpinion } from './policy-facts.js';
import { compileGlob } from './glob.js';
import { compilePattern } from './policy-patterns.js';
import { readPolicyDocument } from './record-policy-documents.js';

const compiled = (...documents: readonly object[]) => compilePolicy(documents.map((document, index) => readPolicyDocument(JSON.stringify(document), index === 0 ? 'service' : 'session')), openedAt);
/** The less a policy lets through, the higher. */
const severity = (opinion: PolicyOpinion | undefined): number => (opinion === undefined ? 1 : { Pending: 0, Approved: 0, Unknown: 1, Rejected: 2 }[opinion.opinion]);

describe('compilePattern', () => {
  it('matches what the glob matches', () => {
    const text = (parts: readonly string[]) => fc.array(fc.constantFrom(...parts), { maxLength: 6 }).map((chosen) => chosen.join(''));
    fc.assert(
      fc.property(text(['a', 'b', '/', '*', '**', '?', '/**', '/**/', '\\*', '\\']), text(['a', 'b', '/', '*']), (pattern, value) => {
        fc.pre(pattern !== '');
        expect([pattern, value, compilePattern(pattern)([value])]).toEqual([pattern, value, compileGlob(pattern)(value)]);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a policy', () => {
  it('has a reason for every opinion, and never throws', () => {
    fc.assert(
      fc.property(policyDocument, policyDocument, artefactFacts, (service, session, facts) => {
        const policy = compiled(service, session);
        for (const opinion of [policy.judgeRequest(facts), policy.judgeArtefact(facts)]) expect(opinion === undefined || opinion.reason !== '').toBe(true);
        for (const ecosystem of facts.ecosystems) policy.visibleUntil(ecosystem, 'one');
      }),
    );
  });

  it('lets no more through with one more rule that denies', () => {
    fc.assert(
      fc.property(policyDocument, rule, artefactFacts, (document, denied, facts) => {
        const before = compiled(document);
        const after = compiled({ ...document, deny: [...(document.deny ?? []), denied] });
        expect(severity(after.judgeRequest(facts))).toBeGreaterThanOrEqual(severity(before.judgeRequest(facts)));
        expect(severity(after.judgeArtefact(facts))).toBeGreaterThanOrEqual(severity(before.judgeArtefact(facts)));
      }),
    );
  });

  it('of the service is never made wider by a document of the session, but for its pins', () => {
    fc.assert(
      fc.property(policyDocument, policyDocument, artefactFacts, (service, { pins: _, ...session }, facts) => {
        const alone = compiled(service);
        const both = compiled(service, session);
        expect(severity(both.judgeRequest(facts))).toBeGreaterThanOrEqual(severity(alone.judgeRequest(facts)));
        expect(severity(both.judgeArtefact(facts))).toBeGreaterThanOrEqual(severity(alone.judgeArtefact(facts)));
      }),
    );
  });
});
