import { isRecord, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { Inspector } from '../../inspection/inspector.js';

/** Bytes. The advisories of a thousand packages stay well below. */
const reportLimit = 2 * 1024 * 1024;
const textLimit = 4 * 1024;
const endpoint = '/-/npm/v1/security/';

/**
 * Answers of the registry's advisory service, which every `npm install` asks. Data for the user; nothing of it is installed. Only
 * the two shapes that npm reads are approved, so that the endpoint is no way in for anything else.
 */
export const npmAuditInspector: Inspector = {
  id: 'npm.audit',
  inspectRequest: (request) =>
    request.method === 'POST' && request.path.includes(endpoint) ? { opinion: 'Pending', reason: 'valid URL for an npm advisory query' } : undefined,
  inspectResponse: async (_request, response, body) => {
    if (response.status !== 200) return undefined;
    const report = parseBoundedJson(await body.read(reportLimit));
    if (!isBulkReport(report) && !isQuickReport(report)) return { opinion: 'Rejected', reason: 'the answer to an npm advisory query is no advisory report' };
    return { opinion: 'Approved', reason: 'valid npm advisory report', metadata: { type: 'application/x.npm.audit' } };
  },
};

/** `advisories/bulk`: for each package its advisories. */
function isBulkReport(report: unknown): boolean {
  return isRecord(report) && Object.values(report).every((advisories) => Array.isArray(advisories) && advisories.every(isAdvisory));
}

/** `audits/quick` of older clients. */
function isQuickReport(report: unknown): boolean {
  if (!isRecord(report) || !isRecord(report['metadata'])) return false;
  return Array.isArray(report['actions']) && isRecord(report['advisories']) && Object.values(report['advisories']).every(isAdvisory);
}

function isAdvisory(advisory: unknown): boolean {
  if (!isRecord(advisory)) return false;
  const texts = ['url', 'title', 'severity', 'vulnerable_versions'].map((key) => advisory[key]);
  return ['number', 'string'].includes(typeof advisory['id']) && texts.every((text) => typeof text === 'string' && text.length <= textLimit);
}
