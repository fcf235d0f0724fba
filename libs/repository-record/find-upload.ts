import { isMillraceError } from '../errors/millrace-error.js';
import type { RepositoryReads, Upload } from './repository-record.js';

/** Undefined: there is none, or none any more. */
export async function findUpload(reads: Pick<RepositoryReads, 'upload'>, id: string): Promise<Upload | undefined> {
  try {
    return await reads.upload(id);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'upload-not-found') return undefined;
    throw error;
  }
}
