import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { isConnectionError } from '../../../libs/database/database-errors.js';
import { errorTable } from '../../../libs/errors/error-table.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { ErrorCode } from '../../../libs/errors/millrace-error.js';

export interface ClassifiedError {
  readonly status: number;
  /** An ErrorCode, or `not-found`, `method-not-allowed`, `http-<status>` for what never reached a feature. */
  readonly code: string;
  /** For the client; never a stack, never a value that the client sent. */
  readonly detail: string;
  readonly suggestion: string | undefined;
  /** Each mistake, where there may be several. */
  readonly mistakes?: readonly object[];
}

export function classifyError(error: unknown): ClassifiedError {
  if (isMillraceError(error) && error.code in errorTable) {
    const status = errorTable[error.code].http;
    return status === 500 ? internal(error.code) : { status, code: error.code, detail: error.message, suggestion: error.suggestion, ...(error.details === undefined ? {} : { mistakes: error.details }) };
  }
  if (error instanceof HttpException) return fromHttp(error.getStatus());
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return fromHttp(status);
  if (isConnectionError(error)) {
    return { status: 503, code: 'database-unavailable' satisfies ErrorCode, detail: 'the record cannot be reached', suggestion: 'Try again in a moment; /readyz tells the state of the database.' };
  }
  return internal('internal');
}

function internal(code: ErrorCode): ClassifiedError {
  return { status: 500, code, detail: 'internal error', suggestion: 'The log of the gateway has the details.' };
}

const suggestions: Readonly<Record<number, string>> = {
  404: 'The paths are listed in /v1/openapi.json.',
  405: 'The Allow header lists the methods of this path.',
  413: 'Request bodies are limited to 1 MiB.',
};

function fromHttp(status: number): ClassifiedError {
  const code = status === 413 ? 'payload-too-large' : status === 404 ? 'not-found' : status === 405 ? 'method-not-allowed' : `http-${status}`;
  return { status, code, detail: STATUS_CODES[status] ?? 'error', suggestion: suggestions[status] };
}
