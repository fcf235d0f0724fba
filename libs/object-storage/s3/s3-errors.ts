import { errorMessage } from '../../errors/error-message.js';
import { MillraceError, isMillraceError } from '../../errors/millrace-error.js';

interface ServiceError {
  readonly name?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The answers of several servers where there is no room. */
const full: ReadonlySet<string> = new Set(['InsufficientStorage', 'XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'EntityTooLarge', 'ServiceQuotaExceeded']);
/** Bytes that were changed on their way, and requests that took too long: the next attempt may do better. */
const passing: ReadonlySet<string> = new Set(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody', 'RequestTimeout', 'OperationAborted', 'ConditionalRequestConflict']);

/** What the SDK throws, after its own attempts, as an error of stores. */
export function asS3Error(error: unknown, what: string): MillraceError {
  if (isMillraceError(error)) return error;
  const status = statusOf(error);
  const name = nameOf(error);
  const said = `${name === '' || name === 'Error' ? '' : `${name}: `}${errorMessage(error)}`;
  if (status === 507 || full.has(name)) return new MillraceError('storage-full', `object storage has no room for ${what}: ${said}`, { cause: error, suggestion: 'Raise the quota of the bucket, or free space in it.' });
  if (status === 412) return new MillraceError('storage-conflict', `${what} is another object by now, or none`, { cause: error });
  if (status === 416) return new MillraceError('invalid-request', `${what} has no such range of bytes: ${said}`, { cause: error });
  // 408, 429 and SlowDown (503) are the service's way of asking for patience; without a status nobody answered.
  if (status !== undefined && status >= 300 && status < 500 && status !== 408 && status !== 409 && status !== 429 && !passing.has(name)) {
    return new MillraceError('storage-refused', `object storage refuses ${what}: ${said}`, { cause: error, suggestion: suggestionFor(name) });
  }
  return new MillraceError('storage-unavailable', `object storage did not take ${what}: ${said}`, { cause: error, ...(name === 'CredentialsProviderError' ? { suggestion: withoutCredentials } : {}) });
}

// Of a machine's role they may come later: it is tried again.
const withoutCredentials = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for every process of the service, or name the store with its credentials in the file of MILLRACE_REPOSITORY_STORES.';

function suggestionFor(name: string): string {
  if (name === 'RequestTimeTooSkewed') return 'Set the clock of this machine, or of the service: they are too far apart for signed requests.';
  return 'Check that the bucket exists and that the credentials may list, read, write and delete in it.';
}

export function isAbsent(error: unknown): boolean {
  const name = nameOf(error);
  // An answer to HEAD has no body, and with it no reason.
  return name === 'NoSuchKey' || (statusOf(error) === 404 && ['NotFound', '404', 'UnknownError'].includes(name));
}

/** The service does not know these credentials, or no longer. */
export function refusesCredentials(error: unknown): boolean {
  return [401, 403].includes(statusOf(error) ?? 0) || ['ExpiredToken', 'InvalidAccessKeyId', 'InvalidToken', 'SignatureDoesNotMatch', 'XAdminUserNotFound'].includes(nameOf(error));
}

export function statusOf(error: unknown): number | undefined {
  return (error as ServiceError | undefined)?.$metadata?.httpStatusCode;
}

export function nameOf(error: unknown): string {
  const name = (error as ServiceError | undefined)?.name;
  return typeof name === 'string' ? name : '';
}
