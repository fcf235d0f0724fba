import type { Inspector } from '../../inspection/inspector.js';
import { matchesConfiguredUrls } from './git-configuration.js';
import { parseGitRequest, repositoryName } from './git-path.js';
import { rememberRefs } from './known-refs.js';
import { readAdvertisement } from './ref-listing.js';

const dumbAdvice = "git's dumb HTTP protocol serves loose files that nothing vouches for: serve the repository with git http-backend, or mirror it to a forge";

/** The first request of git's smart HTTP protocol, see docs/reference/inspectors/git.md. */
export const gitSmartQueryInspector: Inspector = {
  id: 'git.smart-query',
  inspectRequest: (request, { configuration }) => {
    const asked = parseGitRequest(request);
    if (asked?.kind === 'dumb') return { opinion: 'Rejected', reason: dumbAdvice };
    if (asked?.kind === 'push') return { opinion: 'Unknown', reason: 'a push to a git repository: a session records what a build takes in' };
    if (asked?.kind !== 'info-refs') return undefined;
    if (matchesConfiguredUrls(configuration, 'git', request.url) === false) return { opinion: 'Rejected', reason: 'the URL is none of git.urls in inspectors-configuration' };
    return { opinion: 'Pending', reason: 'valid URL for the refs of a git repository' };
  },
  inspectResponse: async (request, response, body, { knowledge }) => {
    const asked = parseGitRequest(request);
    if (response.status !== 200 || asked?.kind !== 'info-refs') return undefined;
    if (/^[0-9a-f]{40}(?:[0-9a-f]{24})?\t/.test(body.head.toString('latin1'))) return { opinion: 'Rejected', reason: dumbAdvice };
    const listing = await readAdvertisement(body.open()[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
    const remembered = await rememberRefs(knowledge, asked.repository, listing.refs);
    return {
      opinion: 'Approved',
      reason: 'valid git ref advertisement',
      annotations: { 'protocol-version': listing.version, refs: listing.refs.length, remembered },
      metadata: { type: 'application/x.git.upload-pack-advertisement', name: repositoryName(asked.repository) },
    };
  },
};
