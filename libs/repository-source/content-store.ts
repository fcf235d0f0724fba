/** Package files and documents by SHA-256, shared by everything that has them: `<blobs>/content/<aa>/<sha256>`. Files are read-only and synced before they get their name. */
export interface ContentStore {
  has(sha256: string): Promise<boolean>;
  /** Size in bytes; undefined when it is not there. */
  size(sha256: string): Promise<number | undefined>;
  /** Path of the file; it need not be there. */
  file(sha256: string): string;
  /** Streams into the store; what breaks off leaves nothing. Errors: `digest-mismatch`, `payload-too-large`, `storage-full`. */
  add(chunks: AsyncIterable<Buffer>, options?: { readonly expected?: { readonly algorithm: string; readonly hex: string }; readonly limit?: number }): Promise<{ readonly sha256: string; readonly size: number }>;
  /** As a hard link; a copy (on write, where the file system can) on another file system or where a file has too many links. Never replaces. */
  link(sha256: string, target: string): Promise<void>;
  /** Removes files that no tree links to and that nobody has used for this long. Answers how many. */
  sweep(idleMilliseconds: number): Promise<number>;
}
