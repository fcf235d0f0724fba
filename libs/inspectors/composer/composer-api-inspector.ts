import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { Inspector } from '../../inspection/inspector.js';
import { isComposerClient } from './composer-client.js';

const notificationLimit = 64 * 1024;
const advisoriesLimit = 8 * 1024 * 1024;

/** What Composer posts to repositories: notes of downloads and questions for advisories, see docs/reference/inspectors/composer.md. */
export const composerApiInspector: Inspector = {
  id: 'composer.api',
  inspectRequest: (request) =>
    request.method === 'POST' && isComposerClient(request) ? { opinion: 'Pending', reason: 'a notification or a question for advisories by Composer' } : undefined,
  inspectResponse: async (_request, response, body) => {
    if (response.status !== 200) return undefined;
    const bytes = await body.read(advisoriesLimit);
    const answer = bytes.length === 0 ? {} : parseBoundedJson(bytes);
    if (!isRecord(answer)) return { opinion: 'Rejected', reason: 'the answer to Composer is not a JSON object' };
    const advisories = own(answer, 'advisories');
    if (isRecord(advisories) || Array.isArray(advisories))
      return { opinion: 'Approved', reason: 'valid security advisories', metadata: { type: 'application/x.composer.advisories' } };
    if (bytes.length > notificationLimit) return { opinion: 'Rejected', reason: 'the answer to a notification is larger than any repository needs' };
    return { opinion: 'Approved', reason: 'answer to a notification, which Composer does not read', metadata: { type: 'application/x.composer.notification' } };
  },
};
