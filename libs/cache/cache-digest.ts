/** The digest functions of the Remote Execution API that this cache serves. */
export const digestFunctions = ['sha256', 'blake3'] as const;
export type DigestFunction = (typeof digestFunctions)[number];

/** A blob's name. Two blobs are the same when function, hash and size are. */
export interface CacheDigest {
  readonly function: DigestFunction;
  /** 64 lower-case hex digits. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
}

const emptyHashes: Readonly<Record<DigestFunction, string>> = {
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  blake3: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
};

/** The empty blob is in every cache and is never stored. */
export function isEmptyBlob({ function: named, hash, size }: CacheDigest): boolean {
  return size === 0 && hash === emptyHashes[named];
}

/** As messages and logs show it: `sha256:<hash>/<size>`. */
export function digestText({ function: named, hash, size }: CacheDigest): string {
  return `${named}:${hash}/${size}`;
}

export function sameDigest(one: CacheDigest, other: CacheDigest): boolean {
  return one.function === other.function && one.hash === other.hash && one.size === other.size;
}
