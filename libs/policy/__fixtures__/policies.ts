import { compilePolicy, type CompiledPolicy } from '../compile-policy.js';
import type { PolicySource } from '../policy-document.js';
import type { ArtefactFacts, RequestFacts } from '../policy-facts.js';
import { readPolicyDocument } from '../record-policy-documents.js';

/** When the sessions of the specs were opened. */
export const openedAt = Date.parse('2026-06-30T00:00:00Z');

/** One document a source, as YAML without its version. */
export function policyOf(documents: Partial<Record<PolicySource, string>>): CompiledPolicy {
  const sources = (['service', 'session'] as const).filter((source) => documents[source] !== undefined);
  return compilePolicy(sources.map((source) => readPolicyDocument(`version: 1\n${documents[source]}`, source)), openedAt);
}

export function requestOf(changes: Partial<RequestFacts> = {}): RequestFacts {
  return { method: 'GET', url: 'https://registry.example:443/left-pad/-/left-pad-1.3.0.tgz', ecosystems: ['npm'], ...changes };
}

export function artefactOf(changes: Partial<ArtefactFacts> = {}): ArtefactFacts {
  return {
    ...requestOf(),
    type: 'application/x.npm.tarball',
    purl: 'pkg:npm/left-pad@1.3.0',
    licence: 'MIT',
    published: '2026-01-01T00:00:00Z',
    digests: { sha1: '1'.repeat(40), sha256: '2'.repeat(64) },
    ...changes,
  };
}
