/** A pair of keys of an S3 service; secret. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Reads the keys where they are kept, anew at every call: they are changed there while the service runs. Errors: `invalid-setting`. */
export type ReadS3Keys = () => Promise<S3Keys>;
