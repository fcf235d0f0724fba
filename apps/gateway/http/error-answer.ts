import { STATUS_CODES } from 'node:http';
import { Catch, Inject } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Access } from '../access/open-access.js';
import { ACCESS, LOGGER } from '../gateway-tokens.js';
import { cacheAddress } from '../http-caches/cache-address.js';
import { allowedMethods } from '../openapi/allowed-methods.js';
import { classifyError } from './classify-error.js';
import type { ClassifiedError } from './classify-error.js';

/** Hands whatever a route throws to `answerError`. */
@Catch()
export class ErrorAnswer implements ExceptionFilter {
  constructor(
    @Inject(LOGGER) private readonly log: Logger,
    @Inject(ACCESS) private readonly access: Access,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerError(error, { request: http.getRequest<FastifyRequest>(), reply: http.getResponse<FastifyReply>(), log: this.log, challenges: this.access.authenticator.challenges });
  }
}

export interface ErrorContext {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly log: Logger;
  /** Values of `WWW-Authenticate` for whoever is not known. */
  readonly challenges?: readonly string[];
}

/**
 * The only place that turns errors into answers: problem+json (RFC 9457) under `/v1`, the object that ODCS's clients read under `/api`, and
 * fetch-service's plain text everywhere else, with the words that its clients and their users know.
 */
export function answerError(error: unknown, { request, reply, log, challenges = [] }: ErrorContext): void {
  const classified = withAllowedMethods(classifyError(error), request, reply);
  if (classified.status >= 500) log.error({ err: error, code: classified.code, method: request.method, route: request.routeOptions.url }, 'request failed');
  if (reply.sent) return;
  // What a route had said of the answer that it did not give.
  void reply.header('cache-control', 'no-store');
  if (classified.status !== 416) void reply.removeHeader('content-range');
  if (classified.status === 503) void reply.header('retry-after', '2');
  if (classified.status === 429) void reply.header('retry-after', secondsOf(error));
  if (classified.status === 401 && !reply.hasHeader('www-authenticate')) sendChallenges(reply, isProblemPath(request.url) || isOdcsPath(request.url) ? challenges : challenges.filter((challenge) => !/^basic /i.test(challenge)));
  if (isProblemPath(request.url)) sendProblem(request, reply, classified);
  else if (isOdcsPath(request.url)) sendOdcsError(reply, classified);
  else void reply.code(classified.status).type('text/plain; charset=utf-8').send(isCachePath(request.url) ? `${classified.detail}\n` : plainText(classified));
}

/** What the limit itself says, else what is usual. */
function secondsOf(error: unknown): string {
  const { cause } = (error ?? {}) as { readonly cause?: { readonly retryAfter?: unknown } };
  return typeof cause?.retryAfter === 'number' ? String(Math.ceil(cause.retryAfter)) : '30';
}

/** fetch-service sends none for passwords; the other ways to log in begin with theirs. */
function sendChallenges(reply: FastifyReply, challenges: readonly string[]): void {
  if (challenges.length > 0) void reply.header('www-authenticate', [...challenges]);
}

function isProblemPath(url: string): boolean {
  return /^\/v1([/?]|$)/.test(url);
}

/** fetch-service answers 405 where only the method is wrong. */
function withAllowedMethods(classified: ClassifiedError, request: FastifyRequest, reply: FastifyReply): ClassifiedError {
  if (classified.code !== 'not-found') return classified;
  const methods = allowedMethods(request.url);
  if (methods.length === 0) return classified;
  void reply.header('allow', methods.join(', '));
  return { status: 405, code: 'method-not-allowed', detail: 'Method Not Allowed', suggestion: `This path takes ${methods.join(', ')}.` };
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ClassifiedError): void {
  const { status, code, detail, suggestion, mistakes } = error;
  const body = { type: `urn:millrace:error:${code}`, title: STATUS_CODES[status] ?? 'Error', status, detail, instance: request.url.split('?')[0], code, ...(suggestion === undefined ? {} : { suggestion }), ...(mistakes === undefined ? {} : { mistakes }) };
  void reply.code(status).type('application/problem+json').send(JSON.stringify(body));
}

function isOdcsPath(url: string): boolean {
  return /^\/api([/?]|$)/.test(url);
}

/** Clients show `message` and nothing else. */
function sendOdcsError(reply: FastifyReply, { status, detail, suggestion }: ClassifiedError): void {
  const message = suggestion === undefined ? detail : `${detail.replace(/[.:]$/, '')}. ${suggestion}`;
  void reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ status, error: STATUS_CODES[status] ?? 'Error', message }));
}

/** Tools show what a cache says, and go on without it. */
function isCachePath(url: string): boolean {
  return cacheAddress(url.split('?')[0] ?? '') !== undefined;
}

/** 400 and 409 say the reason; the others are the status line's own words. */
function plainText(error: ClassifiedError): string {
  if (error.status === 400 || error.status === 409) return error.detail;
  return `${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`;
}
