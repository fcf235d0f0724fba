import { policyInspectorId, policyOnArtefact, policyOnRequest } from '../inspection/policy-opinion.js';
import { explainRefusal, hasRejection, judgeRequest, judgeResponse, type Inspections } from '../inspection/verdict.js';
import type { CompiledPolicy } from '../policy/compile-policy.js';
import type { RequestRecord } from '../session/exchange.js';
import type { ArtefactDownloaded, TrafficEvent } from '../session/session-events.js';

/** What strict, with these policy documents, would have made of one recorded exchange. */
export interface TrafficJudgement {
  /** `undecided`: the record does not hold a digest that the documents ask for. */
  readonly result: 'passed' | 'refused' | 'undecided';
  /** Where it would have been stopped: before it went upstream, or when the artefact was there. */
  readonly stage: 'request' | 'artefact';
  /** The documents refuse it; else it is the inspectors alone, whatever the documents say. */
  readonly byPolicy: boolean;
  /** As the build would have been told; empty when it passed. */
  readonly reason: string;
}

const passed: TrafficJudgement = { result: 'passed', stage: 'artefact', byPolicy: false, reason: '' };

/**
 * Judges an exchange as the proxy would in strict, from the record alone, by the functions that the proxy uses. Undefined: there is nothing to
 * judge, because the request was refused for another reason than a policy (its destination, its form).
 */
export function judgeRecordedTraffic(rules: CompiledPolicy, event: TrafficEvent): TrafficJudgement | undefined {
  if (event.type === 'RequestRefused' && event.data.rule !== 'policy') return undefined;
  const { request } = event.data;
  const byInspectors = withoutPolicy(request.requestInspection);
  const redirected = redirectTargetRefusal(rules, request);
  if (redirected !== undefined) return redirected;
  const opinion = policyOnRequest(rules, judgedRequest(request), byInspectors);
  const requestInspections = opinion === undefined ? byInspectors : { ...byInspectors, [policyInspectorId]: opinion };
  if (!judgeRequest(requestInspections)) {
    return { result: 'refused', stage: 'request', byPolicy: opinion?.opinion === 'Rejected', reason: explainRefusal(requestInspections) };
  }
  return event.type === 'ArtefactDownloaded' ? judgeArtefact(rules, event.data, requestInspections) : passed;
}

function judgeArtefact(rules: CompiledPolicy, data: ArtefactDownloaded['data'], requestInspections: Inspections): TrafficJudgement {
  const { request, response, body, metadata } = data;
  const responseInspections = withoutPolicy(data.responseInspection);
  if (response.status !== 200) return hasRejection(responseInspections) ? refused(responseInspections, false) : passed;
  const sha512 = data.responseInspection[policyInspectorId]?.annotations?.['sha512'];
  const digests = { sha1: body.sha1, sha256: body.sha256, ...(typeof sha512 === 'string' ? { sha512 } : {}) };
  const opinion = policyOnArtefact(rules, { request: judgedRequest(request), requestInspections, responseInspections, metadata, digests });
  const all = opinion === undefined ? responseInspections : { ...responseInspections, [policyInspectorId]: opinion };
  if (opinion?.opinion === 'Unknown' && !hasRejection(responseInspections)) return { result: 'undecided', stage: 'artefact', byPolicy: true, reason: opinion.reason };
  return judgeResponse(requestInspections, all) === 'Approved' ? passed : refused(all, opinion?.opinion === 'Rejected');
}

function refused(inspections: Inspections, byPolicy: boolean): TrafficJudgement {
  return { result: 'refused', stage: 'artefact', byPolicy, reason: explainRefusal(inspections) };
}

/** What a redirect led to was judged as the content of where it began, unless the documents refused it under its own URL. */
function judgedRequest({ url, method, judgedAs }: RequestRecord): { readonly url: string; readonly method: string; readonly servedFrom?: string } {
  return judgedAs === undefined ? { url, method } : { url: judgedAs, method, servedFrom: url };
}

function redirectTargetRefusal(rules: CompiledPolicy, { url, method, judgedAs }: RequestRecord): TrafficJudgement | undefined {
  const opinion = judgedAs === undefined ? undefined : policyOnRequest(rules, { url, method }, {});
  if (opinion?.opinion !== 'Rejected') return undefined;
  return { result: 'refused', stage: 'request', byPolicy: true, reason: explainRefusal({ [policyInspectorId]: opinion }) };
}

/** What the documents of then said is not asked. */
function withoutPolicy(inspections: Inspections): Inspections {
  const { [policyInspectorId]: _, ...others } = inspections;
  return others;
}
