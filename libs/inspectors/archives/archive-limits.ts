/** What an archive may have before it counts as an attack. Every reader takes these; specs pass smaller ones. */
export interface ArchiveLimits {
  readonly entries: number;
  /** Bytes of all names together. */
  readonly nameBytes: number;
  /** Unpacked bytes of all entries together. */
  readonly unpackedBytes: number;
  /** Unpacked to packed bytes, looked at once `ratioFrom` bytes are unpacked. */
  readonly ratio: number;
  readonly ratioFrom: number;
}

/** The largest honest archives known (GPU wheels) have some 20,000 entries and 4 GiB unpacked. */
export const archiveLimits: ArchiveLimits = {
  entries: 200_000,
  nameBytes: 32 * 1024 * 1024,
  unpackedBytes: 8 * 1024 ** 3,
  ratio: 250,
  ratioFrom: 64 * 1024 * 1024,
};
