import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import type { RepomdFile } from '../../rpm/metadata/repomd.js';
import { changeList, readList } from './session-list.js';

/** What a `repomd.xml` of this session taught. */
export interface Repository {
  /** See `RepositoryPlace`. */
  readonly base: string;
  readonly revision: string;
  /** SHA-256 of the `repomd.xml`. */
  readonly digest: string;
  /** `openpgp:<FINGERPRINT> …`; empty when no configured key signed it. */
  readonly signedBy: string;
  readonly files: readonly RepomdFile[];
}

const maxRepositories = 64;
/** The latest state of a repository and the one before: a repository that is published anew while a build reads it has both. */
const maxStates = 2;

export async function rememberRepository(knowledge: SessionKnowledge, repository: Repository): Promise<void> {
  const others = (states: readonly Repository[]): readonly Repository[] => states.filter(({ digest }) => digest !== repository.digest);
  await changeList<Repository>(knowledge, stateKey(repository.base), (states) => [repository, ...others(states)].slice(0, maxStates));
  await changeList<string>(knowledge, listKey, (bases) => [repository.base, ...bases.filter((base) => base !== repository.base)].slice(0, maxRepositories));
}

/** The states of the repository at one place, latest first. */
export function findRepository(knowledge: SessionKnowledge, base: string): Promise<readonly Repository[]> {
  return readList<Repository>(knowledge, stateKey(base));
}

/** Places of all repositories of the session, latest first. */
export function listRepositories(knowledge: SessionKnowledge): Promise<readonly string[]> {
  return readList<string>(knowledge, listKey);
}

/** Lets the proxy fetch a repository's `repomd.xml`, unless it was already; true when it is known now. */
export async function consultRepository({ consult, knowledge }: InspectionContext, base: string): Promise<boolean> {
  if ((await findRepository(knowledge, base)).length > 0) return true;
  return consult !== undefined && (await consult(`${base}repodata/repomd.xml`)) === 'approved' && (await findRepository(knowledge, base)).length > 0;
}

const listKey = 'rpm/repositories';

function stateKey(base: string): string {
  return `rpm/repository/${base}`;
}
