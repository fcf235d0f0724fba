import path from 'node:path';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { KnownPackage, RepositoryReads } from '../../../libs/repository-record/repository-record.js';
import { indexRole } from './index-roles.js';
import type { IndexRole } from './index-roles.js';
import type { ReadVisibleStates, VisibleState } from './visible-states.js';

/** A file that clients may have. What merely lies in the store is none. */
export interface FoundFile {
  /** Below the repository's place. */
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly role: IndexRole | 'package';
  /** Of a file of an index: the state that it is of; of others the one that clients see. */
  readonly state: number;
  /** Keys of objects that have its bytes, the first that is there. */
  readonly objects: readonly string[];
}

export interface FindOptions {
  /** The state that the client has begun to read. */
  readonly begun: number | undefined;
}

export type FindFile = (repository: Repository, file: string, options: FindOptions) => Promise<FoundFile | undefined>;

export function createFindFile(reads: Pick<RepositoryReads, 'package'>, visibleStates: ReadVisibleStates): FindFile {
  return async (repository, file, { begun }) => {
    const states = await visibleStates(repository);
    return findIndexFile(repository, file, { states, begun }) ?? (await findPackage(reads, repository, { file, states }));
  };
}

function findIndexFile({ kind, state: current }: Repository, file: string, { states, begun }: FindOptions & { readonly states: readonly VisibleState[] }): FoundFile | undefined {
  const holders = states.filter(({ index }) => index.has(file));
  const [newest] = holders;
  const found = newest?.index.get(file);
  if (newest === undefined || found === undefined) return undefined;
  const role = indexRole(kind, file, found.sha256);
  if (role === 'fixed') return { ...found, role, state: newest.state, objects: [file] };
  // Those with names of their own content are there for who needs them; the others are what the client has begun with, or what everybody sees.
  const wanted = role === 'following' ? (begun ?? current) : current;
  const holder = states.some(({ state }) => state === wanted) ? holders.find(({ state }) => state === wanted) : holders.find(({ state }) => state === current);
  const chosen = holder?.index.get(file);
  if (holder === undefined || chosen === undefined) return undefined;
  const ownCopy = `.states/${holder.state}/${file}`;
  return { ...chosen, role, state: holder.state, objects: holder.state === current ? [ownCopy, file] : [ownCopy] };
}

async function findPackage(reads: Pick<RepositoryReads, 'package'>, repository: Repository, { file, states }: { readonly file: string; readonly states: readonly VisibleState[] }): Promise<FoundFile | undefined> {
  const known = await knownPackage(reads, repository.name, path.posix.basename(file));
  if (known?.path !== file) return undefined;
  const visible = known.listed.some(({ from, until }) => states.some(({ state }) => from <= state && (until === null || state <= until)));
  return visible ? { path: file, sha256: known.sha256, size: known.size, role: 'package', state: repository.state, objects: [file] } : undefined;
}

async function knownPackage(reads: Pick<RepositoryReads, 'package'>, name: string, key: string): Promise<KnownPackage | undefined> {
  try {
    return await reads.package(name, key);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'package-not-found') return undefined;
    throw error;
  }
}
