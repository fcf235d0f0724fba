import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { isMillraceError } from '../../errors/millrace-error.js';
import { awaitFetched, type FetchedRepository } from '../git/fetched-repository.js';
import { parseGitRequest } from '../git/git-path.js';
import { readUploadPackRequest } from '../git/upload-pack-request.js';

export interface ProjectFetch extends FetchedRepository {
  readonly commit: NonNullable<FetchedRepository['commit']>;
}

/** The project that a git fetch brought; undefined when the exchange is no fetch of a commit, or its inspector does not approve it: that one's reason then stands. */
export async function readProjectFetch(
  request: InspectedRequest,
  { response, body, context }: { response: InspectedResponse; body: InspectedBody; context: InspectionContext },
): Promise<ProjectFetch | undefined> {
  const asked = parseGitRequest(request);
  if (response.status !== 200 || asked?.kind !== 'upload-pack' || request.body === undefined || !(await isFetch(request, request.body))) return undefined;
  const fetched = await awaitFetched({ repository: asked.repository, body, knowledge: context.knowledge }, context.signal);
  return fetched?.commit === undefined || fetched.opinion !== 'Approved' ? undefined : { ...fetched, commit: fetched.commit };
}

async function isFetch(request: InspectedRequest, body: Buffer): Promise<boolean> {
  try {
    return (await readUploadPackRequest(request, body)).command === 'fetch';
  } catch (error) {
    // The inspector of the fetch says what is wrong with it.
    if (isMillraceError(error)) return false;
    throw error;
  }
}
