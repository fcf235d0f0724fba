import type { Inspector, ResponseInspection, SessionKnowledge } from '../../inspection/inspector.js';
import { readGitArchive } from './archive-commit.js';
import { parseArchiveRequest, type ArchiveRequest } from './archive-path.js';
import { repositoryName, repositoryPurl } from './git-path.js';
import { findIds } from './known-refs.js';
import { formatOfId } from './object-id.js';

const advice = 'pin its SHA-256 digest in the policy, or let the build fetch the repository with git';

/** Archives that forges make of repositories, see docs/reference/inspectors/git.md. Nothing vouches for their files, so none is approved here. */
export const gitArchiveInspector: Inspector = {
  id: 'git.archive',
  inspectRequest: (request) => (parseArchiveRequest(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for an archive of a git repository' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = parseArchiveRequest(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    const archive = await readGitArchive(body, { response, context });
    if (archive === undefined) return { opinion: 'Unknown', reason: `the archive is neither a zip nor a gzip-compressed tar file: ${advice}` };
    const { commit } = archive;
    const metadata = {
      type: 'application/x.git.archive',
      name: repositoryName(asked.repositories[0]),
      version: asked.ref,
      ...(commit === undefined ? {} : { purl: repositoryPurl(asked.repositories[0], commit) }),
    };
    if (commit === undefined) return { opinion: 'Unknown', reason: `the archive is sound, but does not say which commit it is of: ${advice}`, metadata };
    return { ...(await judgeCommit(commit, asked, context.knowledge)), annotations: { commit, directory: archive.directory ?? null }, metadata };
  },
};

/** The commit is what the server says; that it is the listed one makes it no proof of the files, another one makes it a lie. */
async function judgeCommit(commit: string, { ref, repositories }: ArchiveRequest, knowledge: SessionKnowledge): Promise<ResponseInspection> {
  if (formatOfId(ref) !== undefined && ref !== commit) return { opinion: 'Rejected', reason: `the archive is of commit ${commit}, but ${ref} was asked for` };
  for (const repository of repositories) {
    const listed = await listedCommits(knowledge, repository, ref);
    if (listed.includes(commit)) return { opinion: 'Unknown', reason: `the archive is sound and says to be of the commit that the repository lists for ${ref}, but nothing vouches for its files: ${advice}` };
    if (listed.length > 0) return { opinion: 'Rejected', reason: `the archive is of commit ${commit}, but the repository listed ${listed[0]} for ${ref} in this session` };
  }
  return { opinion: 'Unknown', reason: `the archive is sound, but nothing vouches for its files: ${advice}` };
}

/** A tag that was listed without what it stands for may be an annotated one, whose id is no commit's. */
async function listedCommits(knowledge: SessionKnowledge, repository: string, ref: string): Promise<readonly string[]> {
  const peeled = await findIds(knowledge, repository, `refs/tags/${ref}^{}`);
  return peeled.length > 0 ? peeled : findIds(knowledge, repository, `refs/heads/${ref}`);
}
