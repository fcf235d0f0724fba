import { errorMessage } from '../errors/error-message.js';
import { MillraceError, isMillraceError } from '../errors/millrace-error.js';

interface ServiceError {
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** What the SDK throws, after its own attempts, as `storage-unavailable` (worth another attempt) or `storage-refused`. */
export function asStorageError(error: unknown, what: string): MillraceError {
  if (isMillraceError(error)) return error;
  const { name, $metadata } = error as ServiceError;
  const status = $metadata?.httpStatusCode;
  const said = `${typeof name === 'string' && name !== 'Error' ? `${name}: ` : ''}${errorMessage(error)}`;
  // 408, 429 and SlowDown (503) are the service's way of asking for patience; without a status nobody answered.
  if (status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return new MillraceError('storage-refused', `object storage refuses ${what}: ${said}`, { cause: error, suggestion: 'Check that the bucket exists and that the credentials may list, read, write and delete in it.' });
  }
  return new MillraceError('storage-unavailable', `object storage did not take ${what}: ${said}`, { cause: error });
}

export function isAbsent(error: unknown): boolean {
  const { name, $metadata } = error as ServiceError;
  return name === 'NotFound' || name === 'NoSuchKey' || ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket');
}
