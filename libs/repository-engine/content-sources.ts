import type { ContentReference } from '../repository/repository-change.js';

/** Content that Millrace has already: what a session has downloaded, what a compose has, what was pushed to the artifact cache. */
export interface ContentSources {
  /** Errors: `blob-not-found`, `compose-not-found`, `invalid-request` (no such instance of the cache), `storage-unavailable`. */
  open(reference: ContentReference, options: { readonly signal: AbortSignal }): Promise<FoundContent>;
}

export interface FoundContent {
  /** For messages. */
  readonly fileName: string;
  readonly size: number;
  /** Whoever asks reads it to its end, leaves the loop, or closes what it has not begun to read: a `Readable` or a generator. */
  readonly content: AsyncIterable<Buffer>;
}
