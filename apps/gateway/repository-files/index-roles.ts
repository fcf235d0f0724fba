import path from 'node:path';
import type { RepositoryKind } from '../../../libs/repository/repository.js';

/**
 * What a client does with a file of an index. `first`: begins with it; `following`: reads it after a first one, and both have to be of one state; `fixed`: has a name of its own
 * content, and never changes.
 */
export type IndexRole = 'first' | 'following' | 'fixed';

const firsts: Readonly<Record<RepositoryKind, RegExp>> = { haiku: /^repo\.sha256$/, rpm: /^repodata\/repomd\.xml$/, deb: /(?:^|\/)(?:In)?Release$/ };

/** `digest` is that of its content: lower-case hex SHA-256. */
export function indexRole(kind: RepositoryKind, file: string, digest: string): IndexRole {
  if (file.includes(digest) || file.includes('/by-hash/')) return 'fixed';
  return firsts[kind].test(file) ? 'first' : 'following';
}

const mediaTypes: Readonly<Record<string, string>> = { '.hpkg': 'application/x-vnd.haiku-package', '.deb': 'application/vnd.debian.binary-package', '.udeb': 'application/vnd.debian.binary-package', '.rpm': 'application/x-rpm', '.asc': 'application/pgp-signature', '.gpg': 'application/pgp-signature', '.xml': 'application/xml', '.gz': 'application/gzip', '.zst': 'application/zstd', '.xz': 'application/x-xz' };
const texts: ReadonlySet<string> = new Set(['InRelease', 'Release', 'Packages', 'Sources', 'repo.info', 'repo.sha256', 'repo.minisig', 'package.list']);

/** By the name alone: what is in a package comes from elsewhere. */
export function mediaTypeOf(file: string): string {
  const name = path.posix.basename(file);
  return texts.has(name) ? 'text/plain; charset=utf-8' : (mediaTypes[path.posix.extname(name).toLowerCase()] ?? 'application/octet-stream');
}
