/** What remote servers and metadata may cost before they count as an attack or as gone. Specs pass smaller ones. */
export interface SourceLimits {
  /** Bytes of repomd.xml. */
  readonly repomdBytes: number;
  /** Bytes of one metadata file, packed. */
  readonly metadataBytes: number;
  /** Bytes of one package file. */
  readonly packageBytes: number;
  /** Bytes of a document that `read` gives. */
  readonly documentBytes: number;
  /** Unpacked bytes of primary, which is kept in memory. */
  readonly primaryBytes: number;
  /** Unpacked bytes of filelists, which is not. */
  readonly filelistsBytes: number;
  /** Unpacked bytes of comps and modules, which are kept in memory. */
  readonly unpackedDocumentBytes: number;
  /** Unpacked to packed bytes, looked at from `ratioFrom` unpacked bytes. */
  readonly ratio: number;
  readonly ratioFrom: number;
  /** Packages in a repository. */
  readonly packages: number;
  /** Dependencies and files of all its packages together. */
  readonly entries: number;
  /** Milliseconds in which `progressBytes` more bytes, or the end, must come; and in which an answer must begin. */
  readonly progressTime: number;
  readonly progressBytes: number;
  /** Milliseconds for one document as a whole, whatever progress it makes: composes that are asked for later wait for the slot meanwhile. */
  readonly documentTime: number;
  readonly redirects: number;
  /** Attempts in a row without progress. */
  readonly attempts: number;
  /** Connections for one file, whatever progress each of them made. */
  readonly connections: number;
  /** Milliseconds before the second attempt; doubled for each after it. */
  readonly retryDelay: number;
  /** Requests to one host at once. */
  readonly concurrency: number;
}

/** The largest distributions known have some 100,000 packages with 3 million dependencies and files, in primary metadata of 250 MB. */
export const sourceLimits: SourceLimits = {
  repomdBytes: 4 * 1024 ** 2,
  metadataBytes: 2 * 1024 ** 3,
  packageBytes: 16 * 1024 ** 3,
  documentBytes: 64 * 1024 ** 2,
  primaryBytes: 1024 ** 3,
  filelistsBytes: 8 * 1024 ** 3,
  unpackedDocumentBytes: 128 * 1024 ** 2,
  ratio: 500,
  ratioFrom: 64 * 1024 ** 2,
  packages: 300_000,
  entries: 6_000_000,
  progressTime: 30_000,
  progressBytes: 4096,
  documentTime: 180_000,
  redirects: 5,
  attempts: 4,
  connections: 50,
  retryDelay: 500,
  concurrency: 16,
};
