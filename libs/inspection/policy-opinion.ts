import { createHash } from 'node:crypto';
import type { CompiledPolicy } from '../policy/compile-policy.js';
import { purlType } from '../policy/compile-times.js';
import type { ArtefactFacts } from '../policy/policy-facts.js';
import type { ArtefactMetadata, Inspection } from './inspection.js';
import type { InspectedBody, InspectionContext } from './inspector.js';
import { boundedText } from './metadata-text.js';
import type { Inspections } from './verdict.js';

/** Under which the policy documents' opinion stands among the inspectors'. */
export const policyInspectorId = 'policy';

/** What the runners know besides the inspectors: the policy documents in force. */
export interface JudgingContext extends InspectionContext {
  readonly rules?: CompiledPolicy;
}

/** With what the policy documents say: the rules for the runners, the limit on releases for the inspectors. */
export function judgingContext(context: InspectionContext, rules: CompiledPolicy | undefined): JudgingContext {
  return rules === undefined ? context : { ...context, rules, visibleUntil: (ecosystem, name) => rules.visibleUntil(ecosystem, name) };
}

interface JudgedRequest {
  readonly url: string;
  readonly servedFrom?: string;
  readonly method: string;
}

/** The documents' opinion on a request, as the runner has it live and the dry run from the record. `inspections`: of the inspectors alone. */
export function policyOnRequest(rules: CompiledPolicy, { url, method, servedFrom }: JudgedRequest, inspections: Inspections): Inspection | undefined {
  const opinion = rules.judgeRequest({ url, method, ...(servedFrom === undefined ? {} : { servedFrom }), ecosystems: ecosystemsOf(inspections, 'Pending') });
  return opinion === undefined ? undefined : { opinion: opinion.opinion, reason: boundedText(opinion.reason, 1024) };
}

export interface JudgedArtefact {
  readonly request: JudgedRequest;
  readonly requestInspections: Inspections;
  /** Of the inspectors alone. */
  readonly responseInspections: Inspections;
  readonly metadata: ArtefactMetadata;
  readonly digests: ArtefactFacts['digests'];
}

/** The documents' opinion on an artefact. */
export function policyOnArtefact(rules: CompiledPolicy, { request, requestInspections, responseInspections, metadata, digests }: JudgedArtefact): Inspection | undefined {
  const approving = ecosystemsOf(responseInspections, 'Approved');
  // What one inspector knows as a package of its own is under that ecosystem's rules, although another approved it as something else.
  const known = ecosystemsOf(responseInspections, 'Unknown').filter((ecosystem) => metadata.purl?.startsWith(`pkg:${purlType(ecosystem)}/`) === true && !approving.includes(ecosystem));
  return rules.judgeArtefact({
    url: request.url,
    method: request.method,
    ...(request.servedFrom === undefined ? {} : { servedFrom: request.servedFrom }),
    ecosystems: approving.length > 0 ? [...approving, ...known] : ecosystemsOf(requestInspections, 'Pending'),
    type: metadata.type,
    licence: metadata.license,
    digests,
    ...(metadata.purl === undefined ? {} : { purl: metadata.purl }),
    ...(metadata.published === undefined ? {} : { published: metadata.published }),
    ...(metadata.signedBy === undefined ? {} : { signedBy: metadata.signedBy }),
  });
}

/** As `policyOnArtefact`, with the SHA-512 of the body where a pin asks for it; it then stands in the annotations. Never rejects. */
export async function policyOnResponse(rules: CompiledPolicy, artefact: Omit<JudgedArtefact, 'digests'> & { readonly body: InspectedBody }): Promise<Inspection | undefined> {
  const { body, request } = artefact;
  const sha512 = rules.needsSha512(request.url) ? await sha512Of(body) : undefined;
  const digests = { sha1: body.sha1, sha256: body.sha256, ...(sha512 === undefined ? {} : { sha512 }) };
  const opinion = policyOnArtefact(rules, { ...artefact, digests });
  return opinion === undefined || sha512 === undefined ? opinion : { ...opinion, annotations: { sha512 } };
}

/** Undefined when not all of the body is there: permissive keeps no body that no inspector asked for. */
async function sha512Of(body: InspectedBody): Promise<string | undefined> {
  const hash = createHash('sha512');
  let size = 0;
  try {
    for await (const chunk of body.open({ raw: true })) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
    }
  } catch {
    return undefined;
  }
  return size === body.size ? hash.digest('hex') : undefined;
}

/** Ecosystems of the inspectors with this opinion: their ids up to the first dot, each once. */
function ecosystemsOf(inspections: Inspections, opinion: Inspection['opinion']): readonly string[] {
  const names = new Set<string>();
  for (const id in inspections) {
    if (inspections[id]?.opinion === opinion && id !== 'default' && id !== policyInspectorId) names.add(id.split('.', 1)[0] as string);
  }
  return [...names];
}
