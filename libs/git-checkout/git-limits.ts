/** What a repository may cost before it counts as an attack. Specs pass smaller ones. */
export interface GitLimits {
  /** Bytes that a server may send for one checkout. */
  readonly receivedBytes: number;
  /** Bytes of all files of a tree together. */
  readonly treeBytes: number;
  /** Files, links and submodules of a tree: a few objects can name thousands of millions. */
  readonly treeEntries: number;
  /** Bytes of memory that git may ask for. */
  readonly memoryBytes: number;
  /** Bytes of what git says. */
  readonly outputBytes: number;
  /** Milliseconds for one call, all of it. */
  readonly time: number;
}

export const gitLimits: GitLimits = { receivedBytes: 512 * 1024 ** 2, treeBytes: 1024 ** 3, treeEntries: 100_000, memoryBytes: 4 * 1024 ** 3, outputBytes: 64 * 1024 ** 2, time: 300_000 };
