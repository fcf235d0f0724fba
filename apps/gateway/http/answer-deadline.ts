import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TimeoutError, catchError, throwError, timeout } from 'rxjs';
import type { Observable } from 'rxjs';
import { MillraceError } from '../../../libs/errors/millrace-error.js';

/** craft-application gives `POST /session` 5 s and everything else 10 s; we answer before that, whatever hangs below. */
const openDeadline = 4500;
const otherDeadline = 9000;

@Injectable()
export class AnswerDeadline implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(
      timeout(request.method === 'POST' && !/\/(?:revoke|policy-check)(?:[/?]|$)/.test(request.url) ? openDeadline : otherDeadline),
      catchError((error: unknown) =>
        throwError(() => (error instanceof TimeoutError ? new MillraceError('database-unavailable', 'the record did not answer in time', { cause: error, suggestion: 'Try again; /readyz tells the state of the database.' }) : error)),
      ),
    );
  }
}
