import { compileDocument, type CompiledDocument } from './compile-document.js';
import type { RecordedPolicyDocument } from './policy-document.js';
import type { ArtefactFacts, PolicyOpinion, RequestFacts } from './policy-facts.js';
import { urlForms } from './policy-patterns.js';
import type { InspectorsConfiguration } from './session-policy.js';
import type { TimeLimit } from './compile-times.js';

/** The policy documents of one session, ready to judge. Pure: the same facts always have the same answer. */
export interface CompiledPolicy {
  /** What it was compiled from: plain data, to compile it again elsewhere. */
  readonly source: PolicyOrigin;
  /** Pending for a pinned URL, Rejected, or undefined: no opinion. */
  judgeRequest(facts: RequestFacts): PolicyOpinion | undefined;
  /** Approved for a pinned digest, Rejected, Unknown when only a digest that is not known could tell, or undefined: no opinion. */
  judgeArtefact(facts: ArtefactFacts): PolicyOpinion | undefined;
  /** As `VisibleUntil` of the inspectors' interface. */
  visibleUntil(ecosystem: string, name: string): TimeLimit | undefined;
  /** Whether a SHA-512 is needed to judge what comes from this URL. */
  needsSha512(url: string): boolean;
  /** `inspectors-configuration` in force: the session's request over its document over the service's, key by key. */
  configuration(requested: InspectorsConfiguration): InspectorsConfiguration;
}

export interface PolicyOrigin {
  readonly documents: readonly RecordedPolicyDocument[];
  /** Milliseconds since 1970. */
  readonly openedAt: number;
}

/** `openedAt`: when the session was opened, milliseconds since 1970; ages count from there. */
export function compilePolicy(documents: readonly RecordedPolicyDocument[], openedAt: number): CompiledPolicy {
  const sessionsMayPin = documents.every(({ source, content }) => source !== 'service' || content.sessionsMayPin !== false);
  const compiled = documents.map(({ source, content }) => compileDocument(content, { name: `${source} policy`, openedAt, mayPin: source === 'service' || sessionsMayPin }));
  return {
    source: { documents, openedAt },
    judgeRequest: (facts) => agreed(compiled, (document) => document.judgeRequest(facts, urlForms(facts.url))),
    judgeArtefact: (facts) => agreed(compiled, (document) => document.judgeArtefact(facts, urlForms(facts.url))),
    visibleUntil: (ecosystem, name) => earliest(compiled.map((document) => document.visibleUntil(ecosystem, name))),
    needsSha512: (url) => compiled.some((document) => document.needsSha512(urlForms(url))),
    configuration: (requested) => Object.assign({}, ...documents.map(({ content }) => content.inspectorsConfiguration), requested) as InspectorsConfiguration,
  };
}

/** One document that rejects is enough; what one does not know, no other can make up for. */
function agreed(documents: readonly CompiledDocument[], judge: (document: CompiledDocument) => PolicyOpinion | undefined): PolicyOpinion | undefined {
  const opinions = documents.map(judge).filter((opinion) => opinion !== undefined);
  const rejected = opinions.filter(({ opinion }) => opinion === 'Rejected');
  if (rejected.length > 0) return { opinion: 'Rejected', reason: rejected.map(({ reason }) => reason).join('; ') };
  return opinions.find(({ opinion }) => opinion === 'Unknown') ?? opinions[0];
}

function earliest(limits: readonly (TimeLimit | undefined)[]): TimeLimit | undefined {
  let first: TimeLimit | undefined;
  for (const limit of limits) if (limit !== undefined && (first === undefined || limit.until < first.until)) first = limit;
  return first;
}
