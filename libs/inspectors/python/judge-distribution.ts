import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { explainHidden } from '../declarations/publication-time.js';
import { candidateIndexes } from '../declarations/seen-indexes.js';
import { findDistribution, type DistributionDeclaration } from './declared-distribution.js';
import { normaliseProjectName } from './project-name.js';

interface Subject {
  readonly request: InspectedRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  /** What the file says that it is. */
  readonly release: { readonly name: string; readonly version: string };
  /** What it is, for the reasons: `wheel`. */
  readonly noun: string;
  readonly digestOf: (declaration: DistributionDeclaration) => string;
}

/** As uv asks; JSON has publication times. */
const pageAccept = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

/**
 * The opinion on a file that is sound in itself: Approved when indexes of this session declare it and every one's digest holds. Adds the
 * publication time to the metadata.
 */
export async function judgeDistribution(subject: Subject): Promise<ResponseInspection> {
  const { noun, release, context } = subject;
  const { declarations, asked } = await findOrConsult(subject);
  if (declarations.length === 0) return { opinion: 'Unknown', reason: `the ${noun} is sound, but no project page of this session declares it: its digest cannot be checked; ${advise(asked)}` };
  const digests = new Set(declarations.map(subject.digestOf).filter((digest) => digest !== ''));
  if (digests.size === 0) return { opinion: 'Unknown', reason: `the ${noun} is sound, but the project page declares no SHA-256 digest for it` };
  const actual = await sha256Of(subject);
  // Returned, not thrown: the report then names the project whose file was not in order.
  if (digests.size > 1 || !digests.has(actual)) return { opinion: 'Rejected', reason: `the ${noun}'s SHA-256 digest is not the one that the project page declares` };
  const published = declarations.map((declaration) => declaration.published).sort().at(-1) ?? '';
  const metadata = published === '' ? {} : { published };
  const hidden = explainHidden({ label: `${release.name} ${release.version}`, published }, context.visibleUntil?.('pip', normaliseProjectName(release.name)));
  if (hidden !== undefined) return { opinion: 'Rejected', reason: hidden, metadata };
  return { opinion: 'Approved', reason: `valid Python ${noun}`, annotations: { 'declared-by': declarations.map(({ index }) => index) }, metadata };
}

/** Lock files name files, not indexes: then the project's page is asked for at the indexes of the configuration and of the session. */
async function findOrConsult({ request, release, context }: Subject): Promise<{ declarations: readonly DistributionDeclaration[]; asked: readonly string[] }> {
  let declarations = await findDistribution(request, context.knowledge);
  const asked: string[] = [];
  if (declarations.length > 0 || context.consult === undefined) return { declarations, asked };
  for (const index of await candidateIndexes(context, 'pip')) {
    asked.push(index);
    await context.consult(`${index}${normaliseProjectName(release.name)}/`, { accept: pageAccept });
    declarations = await findDistribution(request, context.knowledge);
    if (declarations.length > 0) break;
  }
  return { declarations, asked };
}

function advise(asked: readonly string[]): string {
  const configure = 'name its index in "pip.indexes" of the inspectors configuration';
  return asked.length === 0
    ? `let the installer resolve it from an index through the proxy, or ${configure}`
    : `asked at ${asked.join(', ')}; ${configure}`;
}

/** Of the bytes that the client sees: those transferred, unless a content coding was undone. */
async function sha256Of({ response, body, context }: Subject): Promise<string> {
  const coding = response.header('content-encoding')?.trim() ?? '';
  return coding === '' || coding === 'identity' ? body.sha256 : digestBody(body, 'sha256', context);
}
