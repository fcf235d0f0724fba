import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { findDistribution, type DistributionDeclaration } from './declared-distribution.js';

interface Subject {
  readonly request: InspectedRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  /** What it is, for the reasons: `wheel`. */
  readonly noun: string;
  readonly digestOf: (declaration: DistributionDeclaration) => string;
}

/** The opinion on a file that is sound in itself: Approved when indexes of this session declare it and every one's digest holds. */
export async function judgeDistribution(subject: Subject): Promise<ResponseInspection> {
  const { request, context, noun } = subject;
  const declarations = await findDistribution(request, context.knowledge);
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the ${noun} is sound, but no project page of this session declares it: its digest cannot be checked; let the installer resolve it from an index through the proxy`,
    };
  }
  const digests = new Set(declarations.map(subject.digestOf).filter((digest) => digest !== ''));
  if (digests.size === 0) return { opinion: 'Unknown', reason: `the ${noun} is sound, but the project page declares no SHA-256 digest for it` };
  const actual = await sha256Of(subject);
  // Returned, not thrown: the report then names the project whose file was not in order.
  if (digests.size > 1 || !digests.has(actual)) return { opinion: 'Rejected', reason: `the ${noun}'s SHA-256 digest is not the one that the project page declares` };
  return { opinion: 'Approved', reason: `valid Python ${noun}`, annotations: { 'declared-by': declarations.map(({ index }) => index) } };
}

/** Of the bytes that the client sees: those transferred, unless a content coding was undone. */
async function sha256Of({ response, body, context }: Subject): Promise<string> {
  const coding = response.header('content-encoding')?.trim() ?? '';
  return coding === '' || coding === 'identity' ? body.sha256 : digestBody(body, 'sha256', context);
}
