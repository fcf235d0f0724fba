import { decodeSegment } from '../declarations/declared-url.js';

/** What a path of a conda channel asks for. `directory` is that of one platform and ends with `/`. */
export type ChannelPath =
  /** `document`: `repodata`, `current_repodata` … */
  | { readonly kind: 'repodata'; readonly directory: string; readonly document: string; readonly compression: 'none' | 'zstd' | 'bzip2' }
  | { readonly kind: 'shard-index'; readonly directory: string }
  /** `digest`: SHA-256 in hex, which a shard is named for. */
  | { readonly kind: 'shard'; readonly directory: string; readonly digest: string }
  | { readonly kind: 'package'; readonly directory: string; readonly file: string; readonly format: 'conda' | 'tar.bz2' }
  | { readonly kind: 'channeldata' | 'notices' };

const subdir = /\/(?:noarch|(?:linux|osx|win|freebsd|netbsd|openbsd|zos|emscripten|wasi|android|ios)-[a-z0-9_]{1,32})\/$/;
const repodata = /^(repodata|current_repodata|repodata_from_packages|run_exports)\.json(\.zst|\.bz2)?$/;

/** A channel may lie under any path; what tells is the directory of a platform. Undefined for what channels do not have. */
export function parseChannelPath(path: string): ChannelPath | undefined {
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash + 1);
  const file = decodeSegment(path.slice(slash + 1));
  if (file === undefined || file.includes('/')) return undefined;
  if (file === 'channeldata.json') return { kind: 'channeldata' };
  if (file === 'notices.json') return { kind: 'notices' };
  if (file === 'repodata_shards.msgpack.zst') return { kind: 'shard-index', directory };
  const digest = /^([0-9a-f]{64})\.msgpack\.zst$/.exec(file)?.[1];
  if (digest !== undefined) return { kind: 'shard', directory, digest };
  if (!subdir.test(directory)) return undefined;
  const [, document, suffix = ''] = repodata.exec(file) ?? [];
  if (document !== undefined) return { kind: 'repodata', directory, document, compression: suffix === '.zst' ? 'zstd' : suffix === '.bz2' ? 'bzip2' : 'none' };
  if (file.endsWith('.conda')) return { kind: 'package', directory, file, format: 'conda' };
  return file.endsWith('.tar.bz2') ? { kind: 'package', directory, file, format: 'tar.bz2' } : undefined;
}
