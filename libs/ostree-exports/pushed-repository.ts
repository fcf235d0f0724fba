/** Of a client that pushes, and where to. */
export interface PushedRepository {
  readonly instance: string;
  /** Where clients are told to pull from. */
  readonly url: string | undefined;
  /** Who pushes, for the audit. */
  readonly by: string;
  /** Errors: `forbidden` and others, which the client is told. */
  readonly demand: (key: string) => void;
  /** Bytes as they come; waits where they come too fast. */
  readonly count: (bytes: number) => Promise<void>;
  /** Called with the key of every entry that was pushed. */
  readonly pushed: (key: string) => void;
  /** Bytes of one file, and of a whole push. */
  readonly fileBytes: number;
  readonly pushBytes: number;
  readonly signal: AbortSignal;
}

export interface PushedRef {
  readonly name: string;
  /** Commit that the client has seen; undefined: none. */
  readonly old: string | undefined;
  readonly commit: string;
}

/** Where newer clients look for it. */
export function entryKey(ref: string): string {
  return `urn:fdc:buildstream.build:2020:v1:${ref}`;
}
