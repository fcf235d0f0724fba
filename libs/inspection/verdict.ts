import type { Inspection, Verdict } from './inspection.js';

/** Opinions by inspector id, as they stand in the report. */
export type Inspections = Readonly<Record<string, Inspection>>;

/** A request is fine when at least one inspector says Pending and none says Rejected. */
export function judgeRequest(inspections: Inspections): boolean {
  return hasOpinion(inspections, 'Pending') && !hasOpinion(inspections, 'Rejected');
}

/** An artefact is Approved when its request was fine, at least one inspector Approved the response and none Rejected it. */
export function judgeResponse(requestInspections: Inspections, responseInspections: Inspections): Verdict {
  const approved = judgeRequest(requestInspections) && hasOpinion(responseInspections, 'Approved') && !hasOpinion(responseInspections, 'Rejected');
  return approved ? 'Approved' : 'Rejected';
}

/** Why a request or a response is not fine, for the answer to the build: the reasons of refusals, else of all opinions. */
export function explainRefusal(inspections: Inspections): string {
  const entries = Object.entries(inspections);
  const rejected = entries.filter(([, inspection]) => inspection.opinion === 'Rejected');
  const speaking = rejected.length > 0 ? rejected : entries.filter(([, inspection]) => inspection.opinion === 'Unknown');
  return speaking.map(([id, inspection]) => `${id}: ${inspection.reason}`).join('; ') || 'no inspector approved it';
}

/** Whether some inspector was sure that it is not in order. */
export function hasRejection(inspections: Inspections): boolean {
  return hasOpinion(inspections, 'Rejected');
}

function hasOpinion(inspections: Inspections, opinion: Inspection['opinion']): boolean {
  for (const id in inspections) if (inspections[id]?.opinion === opinion) return true;
  return false;
}
