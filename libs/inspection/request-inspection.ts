import type { Inspection } from './inspection.js';
import type { InspectedRequest, InspectionContext, Inspector } from './inspector.js';
import { policyInspectorId, policyOnRequest, type JudgingContext } from './policy-opinion.js';
import { failureReason } from './failure-reason.js';
import { boundedAnnotations, boundedText } from './metadata-text.js';

/** The fallback inspector: asked about a request only when nobody else spoke, and about every response. */
export const defaultInspectorId = 'default';

const unrecognised: Inspection = Object.freeze({ opinion: 'Unknown', reason: 'the request was not recognized by any format inspector' });

/**
 * The opinions on one request, by inspector id. Synchronous and never throws: it runs for every request on the byte path. An
 * inspector that throws counts as Rejected. Never empty: `default` says Unknown when nobody else spoke. The session's policy document speaks
 * last, as `policy`, and knows what the inspectors said.
 */
export function runRequestInspection(inspectors: readonly Inspector[], request: InspectedRequest, context: JudgingContext): Record<string, Inspection> {
  const inspections: Record<string, Inspection> = {};
  let spoken = false;
  for (const inspector of inspectors) {
    if (inspector.id === defaultInspectorId) continue;
    const inspection = inspectSafely(inspector, request, context);
    if (inspection === undefined) continue;
    inspections[inspector.id] = inspection;
    spoken = true;
  }
  const policy = context.rules === undefined ? undefined : policyOnRequest(context.rules, request, inspections);
  if (policy !== undefined) {
    inspections[policyInspectorId] = policy;
    spoken = true;
  }
  if (!spoken) inspections[defaultInspectorId] = unrecognised;
  return inspections;
}

function inspectSafely(inspector: Inspector, request: InspectedRequest, context: InspectionContext): Inspection | undefined {
  try {
    const inspection = inspector.inspectRequest(request, context);
    if (inspection?.annotations === undefined) return inspection;
    return { opinion: inspection.opinion, reason: boundedText(inspection.reason, 1024), annotations: boundedAnnotations(inspection.annotations) };
  } catch (error) {
    return { opinion: 'Rejected', reason: failureReason(error) };
  }
}
