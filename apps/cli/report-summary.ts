import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';

const inspections = z.record(z.string(), z.looseObject({ opinion: z.enum(['Unknown', 'Pending', 'Approved', 'Rejected']), reason: z.string() }));

/** The part of fetch-service's report that the summary is made of. */
const reportSchema = z.looseObject({
  'session-id': z.string(),
  policy: z.enum(['strict', 'permissive']),
  artifacts: z.array(
    z.looseObject({
      'request-inspection': inspections,
      'response-inspection': inspections,
      result: z.enum(['Approved', 'Rejected']),
      metadata: z.looseObject({ type: z.string(), name: z.string(), version: z.string(), sha256: z.string(), size: z.number() }),
      downloads: z.array(z.looseObject({ url: z.string(), 'status-code': z.number(), 'start-time': z.string() })),
    }),
  ),
  'other-responses': z.array(z.unknown()).default([]),
});

const tellingLength = 12;

type ReportArtefact = z.infer<typeof reportSchema>['artifacts'][number];

export interface SummarisedArtefact {
  /** As the artefact says; else the last part of its address. */
  readonly name: string;
  readonly version: string;
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly verdict: 'Approved' | 'Rejected';
  readonly downloads: number;
  /** Of the first download. */
  readonly url: string;
  readonly status: number;
  /** Why it is not approved: `inspector: reason`; empty when it is. */
  readonly reasons: readonly string[];
}

export interface ReportSummary {
  readonly sessionId: string;
  readonly policy: 'strict' | 'permissive';
  /** In the order of their first download. */
  readonly artefacts: readonly SummarisedArtefact[];
  /** Answers with another status than 200: redirects, not found, not modified. */
  readonly otherResponses: number;
}

/** Errors: `internal` when the text is no report. */
export function summariseReport(text: string): ReportSummary {
  const report = parseReport(text);
  const artefacts = report.artifacts.toSorted((one, other) => firstStart(one).localeCompare(firstStart(other)));
  return {
    sessionId: report['session-id'],
    policy: report.policy,
    artefacts: artefacts.map(summariseArtefact),
    otherResponses: report['other-responses'].length,
  };
}

function parseReport(text: string): z.infer<typeof reportSchema> {
  try {
    return reportSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MillraceError('internal', 'the service answered something that is no session report', { cause });
  }
}

function firstStart(artefact: ReportArtefact): string {
  return artefact.downloads[0]?.['start-time'] ?? '';
}

function summariseArtefact(artefact: ReportArtefact): SummarisedArtefact {
  const { metadata, downloads } = artefact;
  const url = downloads[0]?.url ?? '';
  return {
    name: metadata.name === '' ? lastPart(url) : metadata.name,
    version: metadata.version,
    type: metadata.type,
    size: metadata.size,
    sha256: metadata.sha256,
    verdict: artefact.result,
    downloads: downloads.length,
    url,
    status: downloads[0]?.['status-code'] ?? 0,
    reasons: artefact.result === 'Approved' ? [] : reasonsOf(artefact),
  };
}

/** What was rejected says why; where nothing was, an artefact lacks an approval, and who did not know it says so. */
function reasonsOf(artefact: ReportArtefact): readonly string[] {
  const all = [...Object.entries(artefact['request-inspection']), ...Object.entries(artefact['response-inspection'])];
  const rejected = all.filter(([, inspection]) => inspection.opinion === 'Rejected');
  const telling = rejected.length > 0 ? rejected : all.filter(([, inspection]) => inspection.opinion === 'Unknown');
  return [...new Set(telling.map(([inspector, inspection]) => `${inspector}: ${inspection.reason}`))];
}

/** The last part of the path, with as many before it as make it tell something: `itoa/1.0.15/download`. */
function lastPart(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  const parts = parsed.pathname.split('/').filter((part) => part !== '');
  let name = parts.pop() ?? parsed.host;
  while (name.length < tellingLength && parts.length > 0) name = `${parts.pop() ?? ''}/${name}`;
  return name;
}
