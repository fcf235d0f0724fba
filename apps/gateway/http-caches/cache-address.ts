import { mainInstance } from '../../../libs/cache/cache-instance.js';

/** How a client of an HTTP cache speaks. */
export const cacheProtocols = ['cas', 'ac', 'gradle', 'turborepo', 'ccache', 'sccache'] as const;
export type CacheProtocol = (typeof cacheProtocols)[number];

export interface CacheAddress {
  readonly instance: string;
  readonly protocol: CacheProtocol;
  /** What stands behind it, decoded; empty for the root. */
  readonly key: string;
}

const markers: ReadonlyMap<string, CacheProtocol> = new Map(cacheProtocols.flatMap((protocol) => (protocol === 'turborepo' ? [] : [[protocol, protocol] as const])));

/**
 * What a path means: `/cas/<hash>`, `/gradle/<key>`, … are of the instance `main`; those of the others have `/cache/<instance>` before that. An instance may have several parts; the first
 * word of a protocol after at least one of them ends it. Undefined: the path is none of ours, or cannot be decoded.
 */
export function cacheAddress(path: string): CacheAddress | undefined {
  const segments = decoded(path);
  if (segments === undefined) return undefined;
  if (segments[0] !== 'cache') return protocolAt(segments, 0, mainInstance);
  for (let at = 2; at < segments.length; at += 1) {
    const found = protocolAt(segments, at, segments.slice(1, at).join('/'));
    if (found !== undefined) return found;
  }
  return undefined;
}

function protocolAt(segments: readonly string[], at: number, instance: string): CacheAddress | undefined {
  const marker = segments[at];
  if (marker === 'v8' && segments[at + 1] === 'artifacts') return { instance, protocol: 'turborepo', key: segments.slice(at + 2).join('/') };
  const protocol = markers.get(marker ?? '');
  return protocol === undefined ? undefined : { instance, protocol, key: segments.slice(at + 1).join('/') };
}

/** A segment that means another place, or that hides a slash, is not looked up. */
function decoded(path: string): readonly string[] | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments: string[] = [];
  for (const raw of path.slice(1).split('/')) {
    const segment = decodedSegment(raw);
    if (segment === undefined || segment === '.' || segment === '..' || segment.includes('/')) return undefined;
    segments.push(segment);
  }
  return segments;
}

function decodedSegment(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}
