/** A file, an object of a bucket or a buffer: read in parts, because packages are large and what is wanted of them lies at their end. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly so many bytes. Rejects where there are fewer. */
  read(offset: number, length: number): Promise<Buffer>;
}

export function bufferSource(bytes: Buffer): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}
