import type { CacheDigest } from './cache-digest.js';

/**
 * What an entry's key means. `action`: hash of an Action, its value an ActionResult. `blob`, `directory`: URI of the Remote Asset API. Others: keys of HTTP caches,
 * as their clients form them.
 */
export const entryKinds = ['action', 'blob', 'directory', 'gradle', 'turborepo', 'ccache', 'sccache'] as const;
export type EntryKind = (typeof entryKinds)[number];

export interface EntryName {
  readonly instance: string;
  readonly kind: EntryKind;
  /** 1 to 2,048 characters, no control characters. An action's: `<function>:<hash>/<size>`. */
  readonly key: string;
  /** Of an asset: the exact set of them belongs to its name. Empty for other kinds. */
  readonly qualifiers: Readonly<Record<string, string>>;
}

/** How a blob that an entry needs is looked into for further blobs: a `directory` and a `tree` of the Remote Execution API name others. */
export type BlobShape = 'plain' | 'directory' | 'tree';

export interface BlobReference {
  readonly digest: CacheDigest;
  readonly shape: BlobShape;
}

/** A cached result: found only while all that it needs is there. */
export interface CacheEntry extends EntryName {
  /** What the key leads to; undefined where `value` is all there is. */
  readonly target: BlobReference | undefined;
  /** Kept in the record itself: at most 4 MiB. Undefined: the target is all there is. */
  readonly value: Buffer | undefined;
  /** Needed besides the target: an entry lives and dies with them. */
  readonly references: readonly BlobReference[];
  /** As HTTP clients and the Asset API hand them in, and get them back: content type, duration, tag. At most 16 KiB. */
  readonly properties: Readonly<Record<string, string>>;
  /** ISO 8601 UTC; undefined: as long as there is room. */
  readonly expiresAt: string | undefined;
  readonly pushedAt: string;
  readonly pushedBy: string;
  /** Where it came from, as the pusher says or as the token of a session shows. */
  readonly origin: EntryOrigin;
}

export interface EntryOrigin {
  /** Id of the fetch session that its inputs came through. */
  readonly session?: string;
  /** Names the build that made it: as the build farm knows it. At most 500 characters. */
  readonly build?: string;
  /** `tool/version` of RequestMetadata, a User-Agent. */
  readonly tool?: string;
}

export type EntryDraft = Omit<CacheEntry, 'pushedAt' | 'pushedBy'>;
