import type { InspectedBody, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { matchesConfiguredUrls } from './git-configuration.js';
import { parseGitRequest, repositoryName } from './git-path.js';
import { rememberRefs } from './known-refs.js';
import { handOver } from './fetched-repository.js';
import { receiveFetch } from './received-fetch.js';
import { readLsRefs } from './ref-listing.js';
import { readUploadPackRequest } from './upload-pack-request.js';

const probe = Buffer.from('0000');

/** Listings of refs and fetches by git's smart HTTP protocol, see docs/reference/inspectors/git.md. */
export const gitUploadPackInspector: Inspector = {
  id: 'git.upload-pack',
  inspectRequest: (request, { configuration }) => {
    if (parseGitRequest(request)?.kind !== 'upload-pack') return undefined;
    if (matchesConfiguredUrls(configuration, 'git', request.url) === false) return { opinion: 'Rejected', reason: 'the URL is none of git.urls in inspectors-configuration' };
    return { opinion: 'Pending', reason: 'valid URL for a git fetch' };
  },
  inspectResponse: async (request, response, body, context) => {
    const repository = parseGitRequest(request)?.repository;
    if (response.status !== 200 || repository === undefined) return undefined;
    if (request.body === undefined) return { opinion: 'Unknown', reason: 'what was asked of git is not known: the request is larger than 1 MiB, or has no body; fetch fewer refs at once' };
    // Before a large request git sends this much to see whether it must log in.
    if (request.body.equals(probe) && body.size === 0) return { opinion: 'Approved', reason: 'valid probe of a git server', metadata: { name: repositoryName(repository) } };
    const asked = await readUploadPackRequest(request, request.body);
    if (asked.command === 'ls-refs') return readListing(body, { repository, context });
    if (asked.command !== 'fetch') return { opinion: 'Unknown', reason: `git's command ${JSON.stringify(asked.command.slice(0, 60))} is not known` };
    const { opinion, reason, annotations, metadata } = await handOver({ repository, body, knowledge: context.knowledge }, () => receiveFetch({ repository, asked, response, body, context }));
    return { opinion, reason, annotations, metadata: { name: repositoryName(repository), ...metadata, type: 'application/x.git.upload-pack-result.fetch' } };
  },
};

async function readListing(body: InspectedBody, { repository, context }: { repository: string; context: InspectionContext }): Promise<ResponseInspection> {
  const stream = body.open();
  try {
    const refs = await readLsRefs(stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
    const remembered = await rememberRefs(context.knowledge, repository, refs);
    return {
      opinion: 'Approved',
      reason: 'valid git ref listing',
      annotations: { refs: refs.length, remembered },
      metadata: { type: 'application/x.git.upload-pack-result.ls-ref', name: repositoryName(repository) },
    };
  } finally {
    stream.destroy();
  }
}
