import { parseBoundedJson } from '../../inspection/bounded-json.js';
import type { Inspector } from '../../inspection/inspector.js';

const reportLimit = 16 * 1024 * 1024;
const endpoint = '/-/npm/v1/security/';

/** Answers of the registry's advisory service, which every `npm install` asks. Data for the user; nothing of it is installed. */
export const npmAuditInspector: Inspector = {
  id: 'npm.audit',
  inspectRequest: (request) =>
    request.method === 'POST' && request.path.includes(endpoint) ? { opinion: 'Pending', reason: 'valid URL for an npm advisory query' } : undefined,
  inspectResponse: async (_request, response, body) => {
    if (response.status !== 200) return undefined;
    parseBoundedJson(await body.read(reportLimit));
    return { opinion: 'Approved', reason: 'valid npm advisory report', metadata: { type: 'application/x.npm.audit' } };
  },
};
