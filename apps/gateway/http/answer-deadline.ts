import { Injectable, SetMetadata } from '@nestjs/common';
import type { CallHandler, CustomDecorator, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TimeoutError, catchError, throwError, timeout } from 'rxjs';
import type { Observable } from 'rxjs';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** craft-application gives `POST /session` 5 s and everything else 10 s; we answer before that, whatever hangs below. */
const openDeadline = 4500;
export const otherDeadline = 9000;

const waits = 'millrace:waits';

/** For a handler whose clients ask it to wait; it keeps its own deadlines. */
export function MayWait(): CustomDecorator {
  return SetMetadata(waits, true);
}

@Injectable()
export class AnswerDeadline implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.getMetadata(waits, context.getHandler()) === true) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(
      timeout(request.method === 'POST' && !/\/(?:revoke|policy-check)(?:[/?]|$)/.test(request.url) ? openDeadline : otherDeadline),
      catchError((error: unknown) => throwError(() => (error instanceof TimeoutError ? recordTimeout(error) : error))),
    );
  }
}

export function recordTimeout(cause?: unknown): MillraceError {
  return new MillraceError('database-unavailable', 'the record did not answer in time', { cause, suggestion: 'Try again; /readyz tells the state of the database.' });
}
