import { LRUCache } from 'lru-cache';
import type { IndexFile, RepositoryState } from '../../../libs/repository/repository-change.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { RepositoryReads } from '../../../libs/repository-record/repository-record.js';

/** How far back a repository is looked at, however long its grace time. */
const mostStates = 200;
/** Files of indexes that are remembered, of all repositories. */
const mostFiles = 300_000;

/** A state whose index clients may still be reading. */
export interface VisibleState {
  readonly state: number;
  /** By path. */
  readonly index: ReadonlyMap<string, IndexFile>;
}

interface KnownStates {
  /** Newest first. */
  readonly states: readonly (VisibleState & { /** Milliseconds since 1970; undefined: it is what clients see. */ readonly replacedAt: number | undefined })[];
}

/** The state that clients see, and those before it for the grace time; newest first. */
export type ReadVisibleStates = (repository: Repository) => Promise<readonly VisibleState[]>;

/** Published states never change, so what was read is kept until there is a newer one. */
export function createVisibleStates(reads: Pick<RepositoryReads, 'states'>, now: () => number = Date.now): ReadVisibleStates {
  const known = new LRUCache<string, KnownStates>({ max: 1000, maxSize: mostFiles, sizeCalculation: ({ states }) => 1 + states.reduce((sum, { index }) => sum + index.size, 0) });
  return async (repository) => {
    if (repository.state === 0) return [];
    // A repository that was removed and made again is another one.
    const key = `${repository.name} ${repository.createdAt} ${repository.state}`;
    let found = known.get(key);
    if (found === undefined) {
      found = { states: withEnds((await reads.states(repository.name, { limit: mostStates })).filter(({ state }) => state <= repository.state)) };
      known.set(key, found);
    }
    const oldest = now() - repository.settings.graceSeconds * 1000;
    return found.states.filter(({ replacedAt }) => replacedAt === undefined || replacedAt >= oldest);
  };
}

function withEnds(states: readonly RepositoryState[]): KnownStates['states'] {
  return states.map(({ state, index }, position) => {
    const newer = states[position - 1];
    return { state, index: new Map(index.map((file) => [file.path, file])), replacedAt: newer === undefined ? undefined : Date.parse(newer.at) };
  });
}
