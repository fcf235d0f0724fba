import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from '@jest/globals';
import { sessionReportSchema } from '../../libs/session-record/__fixtures__/session-report-schema.js';

type Inspections = Readonly<Record<string, { readonly opinion: string; readonly reason: string }>>;

/** One request of a report, wherever it stands. */
export interface ReportedRequest {
  readonly method: string;
  readonly url: string;
  readonly 'user-agent': string;
  readonly 'request-header': Readonly<Record<string, readonly string[]>>;
  readonly 'status-code': number;
  readonly 'request-body'?: { readonly sha256: string; readonly size: number };
  readonly 'response-header': Readonly<Record<string, readonly string[]>>;
}

export interface OtherResponse extends ReportedRequest {
  readonly sha256: string;
  readonly size: number;
  readonly result: string;
}

export interface RefusedRequest extends ReportedRequest {
  readonly rule: string;
  readonly reason: string;
  readonly sha256?: string;
}

export interface ReportedArtefact {
  readonly result: string;
  readonly metadata: { readonly type: string; readonly name: string; readonly version: string; readonly sha1: string; readonly sha256: string; readonly size: number };
  readonly 'request-inspection': Inspections;
  readonly 'response-inspection': Inspections;
  readonly downloads: readonly (ReportedRequest & { readonly delivered: boolean })[];
}

export interface SessionReport {
  readonly 'session-id': string;
  readonly policy: string;
  readonly artifacts: readonly ReportedArtefact[];
  readonly 'other-responses': readonly OtherResponse[];
  readonly 'refused-requests': readonly RefusedRequest[];
  readonly 'failed-downloads': readonly ReportedRequest[];
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
const validate = ajv.compile(sessionReportSchema);

/** Parses a report that must be what clients of fetch-service can read. */
export function readReport(text: string): SessionReport {
  const report = JSON.parse(text) as SessionReport;
  expect({ valid: validate(report), errors: validate.errors }).toEqual({ valid: true, errors: null });
  return report;
}

/** The artefacts that came from URLs with this end (or this pattern). */
export function artefactsFrom(report: SessionReport, url: string | RegExp): readonly ReportedArtefact[] {
  const matches = (text: string): boolean => (typeof url === 'string' ? text.endsWith(url) : url.test(text));
  return report.artifacts.filter((artefact) => artefact.downloads.some((download) => matches(download.url)));
}

/** What a table of a session shows of an artefact. */
export function summaries(report: SessionReport): readonly string[] {
  return report.artifacts.map(({ result, metadata: { type, name, version } }) => [type, name, version, result].filter((part) => part !== '').join(' ')).sort();
}

/** Every request of a session, whatever became of it. */
export function allRequests(report: SessionReport): readonly ReportedRequest[] {
  return [...report.artifacts.flatMap((artefact) => artefact.downloads), ...report['other-responses'], ...report['refused-requests'], ...report['failed-downloads']];
}
