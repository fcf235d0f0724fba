import { decodeSegment } from '../declarations/declared-url.js';
import { isHexName, isHexVersion, type HexId } from './hex-id.js';

/** What a path below a repository asks for; `base` ends with `/`. */
export type RegistryPath =
  | { readonly kind: 'names' | 'versions'; readonly base: string }
  | { readonly kind: 'package'; readonly base: string; readonly name: string }
  | ({ readonly kind: 'tarball'; readonly base: string } & HexId);

/** A repository may lie under any path. Undefined for what the protocol does not have. */
export function parseRegistryPath(path: string): RegistryPath | undefined {
  const [, base = '', last = ''] = /^(.*\/)([^/]+)$/.exec(path) ?? [];
  if (last === 'names' || last === 'versions') return { kind: last, base };
  const segment = decodeSegment(last);
  if (segment === undefined) return undefined;
  if (base.endsWith('/packages/') && isHexName(segment)) return { kind: 'package', base: base.slice(0, -'packages/'.length), name: segment };
  const [, name = '', version = ''] = /^([a-z0-9_]+)-(.+)\.tar$/.exec(segment) ?? [];
  if (!base.endsWith('/tarballs/') || !isHexName(name) || !isHexVersion(version)) return undefined;
  return { kind: 'tarball', base: base.slice(0, -'tarballs/'.length), name, version };
}
