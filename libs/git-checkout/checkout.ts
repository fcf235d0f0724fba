/** A repository and what of it is wanted. */
export interface GitPlace {
  /** `http(s)://…`, `file:///…` or an absolute path; without credentials. */
  readonly url: string;
  /** A full object name (40 or 64 hex digits), or the name of a branch or tag. */
  readonly commit: string;
}

export interface GitOptions {
  readonly signal: AbortSignal;
  /** Value of an `Authorization` header for this repository: sent to its origin only, over https (or to loopback), and never shown to git. */
  readonly authorization?: string;
}

export interface CheckoutOptions extends GitOptions {
  /** Absolute path that does not exist yet. It becomes the work tree, without `.git`; the caller removes it. */
  readonly directory: string;
}

export interface Checkout {
  /** The full object name of the commit. */
  readonly commit: string;
  /** Regular files of the tree, relative to it, sorted. Links that stay in the tree are there too, and are not among them. */
  readonly files: readonly string[];
  /** Symbolic links that lead out of the tree: they were left out. Relative, sorted. */
  readonly omittedLinks: readonly string[];
}

/**
 * Reads git repositories over http(s), through the same guard as every source, and, below the configured places, from paths. Nothing of a repository is run:
 * no hooks, filters, submodules or helpers. Errors: `source-unavailable` (worth another attempt), `source-invalid` (no such repository, branch or commit; limits),
 * `forbidden` (address or path that policy does not allow), `tool-not-found` (no git here).
 */
export interface GitCheckout {
  /** The full object name that a branch, a tag or a full object name stands for just now. A full object name is given back without asking anybody. */
  resolve(place: GitPlace, options: GitOptions): Promise<string>;
  /** The files of one commit, in `directory`. What fails leaves nothing there. */
  checkout(place: GitPlace, options: CheckoutOptions): Promise<Checkout>;
  /** Ends all connections. */
  close(): Promise<void>;
}
