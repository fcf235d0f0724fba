import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import type { ServerErrorResponse } from '@grpc/grpc-js';
import { errorTable } from '../../../libs/errors/error-table.js';
import type { MillraceError } from '../../../libs/errors/millrace-error.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { Any } from '../../../libs/remote-apis/generated/google/protobuf/any.js';
import { ErrorInfo, RetryInfo } from '../../../libs/remote-apis/generated/google/rpc/error_details.js';
import { Status } from '../../../libs/remote-apis/generated/google/rpc/status.js';

/** What the HTTP statuses of `error-table.ts` are called in gRPC. */
const byHttpStatus: Readonly<Record<number, grpcStatus>> = {
  400: grpcStatus.INVALID_ARGUMENT,
  401: grpcStatus.UNAUTHENTICATED,
  403: grpcStatus.PERMISSION_DENIED,
  404: grpcStatus.NOT_FOUND,
  409: grpcStatus.ABORTED,
  // A client that got RESOURCE_EXHAUSTED would send the same once more.
  413: grpcStatus.INVALID_ARGUMENT,
  422: grpcStatus.INVALID_ARGUMENT,
  429: grpcStatus.RESOURCE_EXHAUSTED,
  500: grpcStatus.INTERNAL,
  502: grpcStatus.UNAVAILABLE,
  503: grpcStatus.UNAVAILABLE,
  507: grpcStatus.RESOURCE_EXHAUSTED,
};
/** Headers are limited, and clients show them in one line. */
const messageLength = 2_000;

/** For the messages that carry a status for each of their items. Whatever is no error of ours is told in the log only. */
export function itemStatus(error: unknown): Status {
  const known = knownStatus(error);
  if (known !== undefined) return { code: known.code, message: known.details, details: [] };
  if (!isMillraceError(error)) return { code: grpcStatus.INTERNAL, message: 'internal error; the log of the cache says more', details: [] };
  const suggestion = error.suggestion === undefined ? '' : ` ${error.suggestion}`;
  return { code: statusCode(error), message: `${error.message}${suggestion}`.toWellFormed().slice(0, messageLength), details: errorDetails(error) };
}

/** What a call ends with. The details also go along as `google.rpc.Status`, where clients look for when to ask again. */
export function callStatus(error: unknown): ServerErrorResponse {
  const status = itemStatus(error);
  const metadata = new Metadata();
  if (status.details.length > 0) metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(status).finish()));
  return Object.assign(new Error(status.message), { code: status.code, details: status.message, metadata });
}

/** For what only gRPC has a word for: `OUT_OF_RANGE`, `UNIMPLEMENTED`, `DEADLINE_EXCEEDED`. */
export function statusError(code: grpcStatus, message: string): Error {
  return Object.assign(new Error(message), { name: 'GrpcStatusError', code, details: message });
}

export const okStatus: Status = { code: grpcStatus.OK, message: '', details: [] };

function statusCode(error: MillraceError): grpcStatus {
  const { http, retryable } = errorTable[error.code];
  // Only what may go well the next time is to be tried again.
  if (!retryable && http === 502) return grpcStatus.INTERNAL;
  if (!retryable && http === 409) return grpcStatus.FAILED_PRECONDITION;
  return byHttpStatus[http] ?? grpcStatus.INTERNAL;
}

function knownStatus(error: unknown): { readonly code: grpcStatus; readonly details: string } | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'GrpcStatusError') return error as Error & { code: grpcStatus; details: string };
  return error.name === 'AbortError' ? { code: grpcStatus.CANCELLED, details: 'the call was cancelled' } : undefined;
}

function errorDetails(error: MillraceError): Any[] {
  const info = ErrorInfo.encode({ reason: error.code, domain: 'millrace', metadata: {} }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: Buffer.from(info) }];
  const after = retryAfter(error);
  if (after !== undefined) {
    const retry = RetryInfo.encode({ retryDelay: { seconds: Math.floor(after), nanos: Math.round((after % 1) * 1e9) } }).finish();
    details.push({ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: Buffer.from(retry) });
  }
  return details;
}

/** Seconds. */
function retryAfter(error: MillraceError): number | undefined {
  const values = [error.cause, ...(error.details ?? [])].map((each) => (each as { retryAfter?: unknown } | null | undefined)?.retryAfter);
  return values.find((value): value is number => typeof value === 'number' && value >= 0 && Number.isFinite(value));
}
