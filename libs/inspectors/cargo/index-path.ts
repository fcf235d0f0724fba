import { decodeSegment } from '../declarations/declared-url.js';
import { cratePrefix, isCrateName } from './crate-id.js';

/** What a path of a sparse index asks for. */
export interface IndexPath {
  /** The index, `/` at its end: a registry may lie under any path. */
  readonly base: string;
  /** Crate in lower case; undefined for the index's `config.json`. */
  readonly crate: string | undefined;
}

/** Undefined for a path that no sparse index has: the directories before a crate are made from its name. */
export function parseIndexPath(path: string): IndexPath | undefined {
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last === 'config.json') return { base: path.slice(0, -last.length), crate: undefined };
  const crate = decodeSegment(last)?.toLowerCase();
  if (crate === undefined || !isCrateName(crate)) return undefined;
  const end = `/${cratePrefix(crate)}/${last}`;
  if (!path.toLowerCase().endsWith(end.toLowerCase())) return undefined;
  return { base: path.slice(0, 1 - end.length), crate };
}
